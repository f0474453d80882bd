import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { CacheConfigError } from '../../../lib/ports/errors.js';
import { entryOf, memoryEntryOf, setUp } from './support.js';

describe('MemoryBackend', () => {
  it('keeps at most maxEntries, the least recently used go first', () => {
    const { tier, later } = setUp({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c']) tier.put(key, memoryEntryOf(key), later());
    tier.get('a');
    tier.put('d', memoryEntryOf('d'), later());
    expect(['a', 'b', 'c', 'd'].filter((key) => tier.get(key) !== undefined)).toEqual([
      'a',
      'c',
      'd',
    ]);
    expect(tier.size).toBe(3);
  });

  it('keeps at most maxBytes, however large the entries are', () => {
    const { tier, later } = setUp({ maxBytes: '100kb' });
    for (let i = 0; i < 50; i++)
      tier.put(`k${String(i)}`, memoryEntryOf(`k${String(i)}`, 'x'.repeat(10_000)), later());
    expect(tier.size).toBe(9);
    tier.put('large', memoryEntryOf('large', new Uint8Array(95_000)), later());
    expect(tier.size).toBe(1);
  });

  it('counts the bytes of text as they are written, its tags, and decoded values', () => {
    const fits = (body: string, tags: string[], frozen: boolean) => {
      const { tier, later } = setUp({ maxBytes: 4_000 });
      return tier.put(
        'k',
        {
          entry: entryOf('k', body, tags),
          frozen: frozen ? { value: body, size: 2_000 } : undefined,
        },
        later(),
      );
    };
    expect(fits('x'.repeat(2_000), [], false)).toBe(true);
    expect(fits('€'.repeat(2_000), [], false)).toBe(false);
    expect(fits('x'.repeat(2_000), [], true)).toBe(false);
    expect(
      fits(
        'x'.repeat(2_000),
        Array.from({ length: 64 }, (_, i) => `tag-${String(i)}`),
        false,
      ),
    ).toBe(false);
  });

  it('keeps nothing under a key whose new value is too large', () => {
    const { tier, later } = setUp({ maxBytes: 4_000 });
    tier.put('k', memoryEntryOf('k'), later());
    expect(tier.put('k', memoryEntryOf('k', 'x'.repeat(4_000)), later())).toBe(false);
    expect([tier.get('k'), tier.size]).toEqual([undefined, 0]);
  });

  it('shares its bounds among namespaces that never see each other', async () => {
    const { open, backend, later } = setUp({ maxEntries: 4 });
    const [a, b] = [open('a'), open('b')];
    a.put('k', memoryEntryOf('k', 'a'), later());
    b.put('k', memoryEntryOf('k', 'b'), later());
    await backend.set('k', Uint8Array.of(7), 1_000);
    expect([a.get('k')?.entry.body, b.get('k')?.entry.body, (await backend.get('k'))?.[0]]).toEqual(
      ['a', 'b', 7],
    );
    a.clear();
    expect([a.size, a.get('k'), b.get('k')?.entry.body, (await backend.get('k'))?.[0]]).toEqual([
      0,
      undefined,
      'b',
      7,
    ]);
    for (let i = 0; i < 4; i++) a.put(`k${String(i)}`, memoryEntryOf('x'), later());
    expect([a.size, b.size, await backend.get('k')]).toEqual([4, 0, undefined]);
  });

  it('shares everything between caches of the same namespace', () => {
    const { open, later } = setUp();
    const [a, b] = [open('a'), open('a')];
    a.put('k', memoryEntryOf('k'), later());
    expect(b.get('k')).toBe(a.get('k'));
    expect(b.namespace).toBe(a.namespace);
    b.remove('k');
    expect(a.get('k')).toBe(undefined);
  });

  it('shares nothing with another backend', () => {
    const [a, b] = [setUp(), setUp()];
    a.tier.put('k', memoryEntryOf('k'), a.later());
    expect(b.tier.get('k')).toBe(undefined);
    expect(b.tier.namespace).not.toBe(a.tier.namespace);
  });

  it('gives every reader without a cache a copy of its own', async () => {
    const { backend, clock } = setUp();
    const bytes = Buffer.from([1, 2]);
    await backend.set('k', bytes, 1_000);
    bytes[0] = 9;
    const [one, two] = [await backend.get('k'), await backend.get('k')];
    expect([one, two]).toEqual([Uint8Array.of(1, 2), Uint8Array.of(1, 2)]);
    expect(one).not.toBe(two);
    await clock.advance(1_000);
    expect(await backend.get('k')).toBeUndefined();
  });

  it('takes real time when it is used without a cache', async () => {
    const backend = new MemoryBackend();
    await backend.set('k', Uint8Array.of(1), 60_000);
    expect(await backend.get('k')).toEqual(Uint8Array.of(1));
    expect(await backend.delete('k')).toBe(true);
    expect(await backend.delete('k')).toBe(false);
  });

  it('refuses a ttl that is not positive', async () => {
    await expect(new MemoryBackend().set('k', Uint8Array.of(1), 0)).rejects.toThrow(
      CacheConfigError,
    );
    await expect(new MemoryBackend().set('k', Uint8Array.of(1), NaN)).rejects.toThrow(/got NaN/);
  });

  it.each<[object, string]>([
    [{ maxEntries: 0 }, 'maxEntries must be a whole number from 1 to 10000000; got 0.'],
    [{ maxEntries: 1.5 }, 'maxEntries must be a whole number from 1 to 10000000; got 1.5.'],
    [
      { maxEntries: Infinity },
      'maxEntries must be a whole number from 1 to 10000000; got Infinity.',
    ],
    [
      { maxBytes: 0 },
      "maxBytes must be bytes as a whole number, or a string such as '512kb', '64mb' or '1gb'; got 0.",
    ],
    [
      { maxBytes: '64MB' },
      "maxBytes must be bytes as a whole number, or a string such as '512kb', '64mb' or '1gb'; got \"64MB\".",
    ],
    [
      { maxBytes: 'mb' },
      "maxBytes must be bytes as a whole number, or a string such as '512kb', '64mb' or '1gb'; got \"mb\".",
    ],
    [{ isolation: 'none' }, "isolation must be 'copy' or 'freeze'; got \"none\"."],
  ])('refuses %j', (options, message) => {
    expect(() => new MemoryBackend(options)).toThrow(new CacheConfigError(message));
  });

  it('says how it isolates, copying by default', () => {
    expect(setUp().tier.isolation).toBe('copy');
    expect(setUp({ isolation: 'freeze', maxBytes: '1.5gb' }).tier.isolation).toBe('freeze');
  });
});
