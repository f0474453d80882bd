import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryLru } from '../../../lib/backends/memory/lru.js';
import { NamespaceEntries } from '../../../lib/backends/memory/namespace-entries.js';
import { memoryEntryOf, setUp } from './support.js';

/** Namespaces in one list, which the test can look into. */
function inOneList(maxEntries = 10_000) {
  const lru = new EntryLru(maxEntries, 64 * 1024 ** 2);
  const open = (prefix = '') => new NamespaceEntries(lru, prefix);
  const put = (entries: NamespaceEntries, key: string, expiresAt = Infinity, now = 0) =>
    entries.put(key, memoryEntryOf(key), expiresAt, now);
  return { lru, open, put };
}

describe('the entries of a namespace', () => {
  it('are not returned from the moment of their expiry', async () => {
    const { tier, clock, later } = setUp();
    tier.put('k', memoryEntryOf('k'), later(500));
    await clock.advance(499);
    expect(tier.get('k')?.entry.key).toBe('k');
    await clock.advance(1);
    expect(tier.getEvenIfExpired('k')?.entry.key).toBe('k');
    expect([tier.get('k'), tier.size, tier.getEvenIfExpired('k')]).toEqual([
      undefined,
      0,
      undefined,
    ]);
  });

  it('take nothing that has expired already, which takes what was there away', () => {
    const { tier, later } = setUp();
    tier.put('k', memoryEntryOf('k'), later());
    expect(tier.put('k', memoryEntryOf('k'), later(0))).toBe(false);
    expect([tier.get('k'), tier.size]).toEqual([undefined, 0]);
  });

  it('are the same object for every reader: a hit makes nothing', () => {
    const { tier, later } = setUp();
    tier.put('k', memoryEntryOf('k'), later());
    expect(tier.get('k')).toBe(tier.get('k'));
    expect(tier.getEvenIfExpired('k')).toBe(tier.get('k'));
  });

  it('keep the frozen value and the stamp that were put with them', () => {
    const { tier, later } = setUp();
    const [frozen, stamp] = [{ value: {}, size: 1 }, {}];
    tier.put('k', { ...memoryEntryOf('k'), frozen, stamp }, later());
    expect([tier.get('k')?.frozen, tier.get('k')?.stamp]).toEqual([frozen, stamp]);
    tier.put('k', memoryEntryOf('k'), later());
    expect([tier.size, tier.get('k')?.frozen, tier.get('k')?.stamp]).toEqual([
      1,
      undefined,
      undefined,
    ]);
  });

  it('can be removed, whether they are there or not', () => {
    const { tier, later } = setUp();
    tier.put('k', memoryEntryOf('k'), later());
    tier.remove('k');
    tier.remove('never there');
    expect([tier.get('k'), tier.size]).toEqual([undefined, 0]);
  });

  it('are apart from those of other namespaces, whatever their keys are', () => {
    const { open, put } = inOneList();
    const [first, second] = [open(), open('\0other\0')];
    put(first, 'k');
    put(second, 'k');
    expect([first.size, second.size]).toEqual([1, 1]);
    first.remove('k');
    expect([first.get('k', 0), second.get('k', 0)?.entry.key]).toEqual([undefined, 'k']);
  });
});

describe('a cleared namespace', () => {
  it('is empty at once, and takes new entries', () => {
    const { tier, later } = setUp();
    for (let i = 0; i < 5_000; i++) tier.put(`k${String(i)}`, memoryEntryOf('k'), later());
    tier.clear();
    expect([tier.size, tier.get('k4999')]).toEqual([0, undefined]);
    tier.put('k4998', memoryEntryOf('new'), later());
    tier.put('k0', memoryEntryOf('new'), later());
    expect([tier.size, tier.get('k4998')?.entry.key, tier.get('k0')?.entry.key]).toEqual([
      2,
      'new',
      'new',
    ]);
    tier.clear();
    tier.clear();
    expect([tier.size, tier.get('k0')]).toEqual([0, undefined]);
  });

  it('gives memory back a little with each put, as expired entries do', () => {
    const { lru, open, put } = inOneList();
    const entries = open();
    for (let i = 0; i < 5_000; i++) put(entries, `k${String(i)}`);
    entries.clear(0);
    expect(lru.size).toBe(4_000);
    for (let i = 0; i < 2_001; i++) put(entries, 'same');
    expect([lru.size, entries.size]).toEqual([1, 1]);
    for (let i = 0; i < 100; i++) put(entries, `short${String(i)}`, 10);
    for (let i = 0; i < 60; i++) put(entries, 'same', Infinity, 10);
    expect([lru.size, entries.size]).toEqual([1, 1]);
  });

  it('leaves other namespaces alone', () => {
    const { open, put } = inOneList();
    const [first, second] = [open(), open('\0other\0')];
    put(first, 'k');
    put(second, 'k');
    first.clear(0);
    expect([first.size, second.size, second.get('k', 0)?.entry.key]).toEqual([0, 1, 'k']);
  });
});

describe('giving the memory of a scope back', () => {
  it('takes slices between which others have their turn, and ends when told to', async () => {
    const { tier, later } = setUp();
    for (let i = 0; i < 5_000; i++) tier.put(`tenant:t/k${String(i)}`, memoryEntryOf('k'), later());
    const controller = new AbortController();
    const reclaiming = tier.reclaim('t', controller.signal);
    await setImmediate();
    const left = tier.size;
    controller.abort();
    const removed = await reclaiming;
    expect(left).toBeGreaterThan(2_000);
    expect([removed, tier.size]).toEqual([5_000 - tier.size, 5_000 - removed]);
    expect(tier.size).toBeGreaterThan(1_000);
    expect(await tier.reclaim('t', controller.signal)).toBe(0);
    expect(await tier.reclaim('', new AbortController().signal)).toBe(5_000 - removed);
  });

  it('leaves the entries of other tenants, of no tenant and of other namespaces', async () => {
    const { tier, open, later } = setUp();
    const other = open('other');
    const keys = ['tenant:t/k', 'tenant:t2/k', 'segment:k'];
    for (const key of keys) tier.put(key, memoryEntryOf(key), later());
    other.put('tenant:t/k', memoryEntryOf('k'), later());
    expect(await tier.reclaim('t', new AbortController().signal)).toBe(1);
    expect(keys.map((key) => tier.get(key) !== undefined)).toEqual([false, true, true]);
    expect(other.size).toBe(1);
  });

  it('leaves what is put while it runs, and ends although others go on writing', async () => {
    const { tier, later } = setUp();
    for (let i = 0; i < 2_500; i++) tier.put(`tenant:t/k${String(i)}`, memoryEntryOf('k'), later());
    const reclaiming = tier.reclaim('t', new AbortController().signal);
    let isRunning = true;
    void reclaiming.then(() => (isRunning = false));
    let written = 0;
    while (isRunning) {
      for (let i = 0; i < 10; i++)
        tier.put(`tenant:t/new${String(written++)}`, memoryEntryOf('n'), later());
      await setImmediate();
    }
    expect(await reclaiming).toBe(2_500);
    expect(tier.size).toBe(written);
  });
});

describe('any sequence of uses of two namespaces', () => {
  it('gives what maps would give, as long as nothing is evicted', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const which = fc.constantFrom(0 as const, 1 as const);
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          op: fc.constant('put' as const),
          which,
          key,
          ttl: fc.integer({ min: -1, max: 6 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('get' as const), which, key }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('remove' as const), which, key }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), which }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.nat(3) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { open } = inOneList();
        const entries = [open(), open('\0other\0')] as const;
        const models = [
          new Map<string, [object, number]>(),
          new Map<string, [object, number]>(),
        ] as const;
        let now = 0;
        for (const one of steps) {
          if (one.op === 'wait') {
            now += one.ms;
            continue;
          }
          const [real, model] = [entries[one.which], models[one.which]];
          if (one.op === 'clear') {
            real.clear(now);
            model.clear();
          } else if (one.op === 'remove') {
            real.remove(one.key);
            model.delete(one.key);
          } else if (one.op === 'put') {
            const put = memoryEntryOf(one.key);
            const isKept = one.ttl > 0;
            expect(real.put(one.key, put, now + one.ttl, now)).toBe(isKept);
            model.delete(one.key);
            if (isKept) model.set(one.key, [put.entry, now + one.ttl]);
          } else {
            const [entry, until = 0] = model.get(one.key) ?? [];
            expect(real.get(one.key, now)?.entry).toBe(until > now ? entry : undefined);
          }
          const alive = [...model.values()].filter(([, until]) => until > now).length;
          expect(real.size).toBeGreaterThanOrEqual(alive);
          expect(real.size).toBeLessThanOrEqual(model.size);
        }
      }),
    );
  });

  it('keeps count when entries are evicted as well', () => {
    const { lru, open } = inOneList(40);
    const [first, second] = [open(), open('\0other\0')];
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 16_807) % 2_147_483_647) % n;
    let now = 0;
    for (let step = 0; step < 6_000; step++) {
      const key = `k${String(random(60))}`;
      const dice = random(40);
      if (dice < 20) first.put(key, memoryEntryOf(key), now + 1 + random(50), now);
      else if (dice < 28) first.get(key, now);
      else if (dice < 32) first.remove(key);
      else if (dice < 36) second.put(key, memoryEntryOf(key), Infinity, now);
      else if (dice < 37) first.clear(now);
      else now++;
      expect(first.size).toBeGreaterThanOrEqual(0);
      expect(first.size + second.size).toBeLessThanOrEqual(lru.size);
    }
    first.clear(now);
    second.clear(now);
    lru.purgeSome(100, now);
    expect([first.size, second.size, lru.size]).toEqual([0, 0, 0]);
  });
});
