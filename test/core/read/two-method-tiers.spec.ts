import { describe, expect, it } from 'vitest';
import type { CacheOptions } from '../../../lib/core/options/types.js';
import type { CacheBackend } from '../../../lib/ports/backend.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { MapBackend } from '../../support/describe-cache.js';
import { beforeClosing } from '../../support/nothing-left.js';
import { wiredCache } from '../../support/wired-cache.js';

/** Two methods, and each `set` takes effect when the test says so. */
class SlowBackend implements CacheBackend {
  readonly name = 'SlowBackend';
  readonly values = new Map<string, Uint8Array>();
  readonly waiting: (() => void)[] = [];
  slow = false;

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.values.get(key);
  }

  async set(key: string, bytes: Uint8Array): Promise<void> {
    if (this.slow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.values.set(key, bytes);
  }

  release(): void {
    for (const go of this.waiting.splice(0)) go();
  }
}

function open(backend: CacheBackend, options: CacheOptions = {}, clock = new FakeClock()) {
  const common = { jitter: 0, backendTimeout: 100, ...options };
  return wiredCache({ clock, holder: 'p', backend, options: common });
}

function slow() {
  const backend = new SlowBackend();
  beforeClosing(() => {
    backend.release();
  });
  return { backend, ...open(backend) };
}

describe('a backend of two methods', () => {
  it('does not bring back what was deleted while a write outlived its deadline', async () => {
    const { backend, clock, cache } = slow();
    backend.slow = true;
    expect(await cache.getOrSet('k', () => 'old')).toBe('old');
    await clock.advance(150);
    backend.slow = false;
    const deleting = cache.delete('k');
    await clock.advance(150);
    // The backend still has a write of the key under way: nobody may say that the key is gone for
    // good.
    expect(await deleting).toEqual({ durable: false });
    expect(await cache.getOrSet('k', () => 'new, not stored')).toBe('new, not stored');
    backend.release();
    await clock.advance(5_000);
    await cache.drain();
    expect(cache.stats().journal).toBe(0);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('makes a failure a miss and an event, with its own error as the cause', async () => {
    const errors: unknown[] = [];
    const { cache } = open({
      name: 'Broken',
      get: () => Promise.reject(new Error('broken get')),
      set: () => Promise.reject(new Error('broken set')),
    });
    cache.events.on((event) => {
      if ('error' in event) errors.push(event.error);
    });
    expect(await cache.getOrSet('k', () => 'v')).toBe('v');
    await cache.drain();
    expect(errors[0]).toMatchObject({
      message: 'Broken.get failed.',
      cause: new Error('broken get'),
    });
    expect(await cache.delete('k')).toEqual({ durable: false });
  });

  it('does not hold a caller up beyond its deadline when it hangs', async () => {
    const hang = () => new Promise<undefined>(() => undefined);
    const { clock, cache } = open({ get: hang, set: hang });
    const began = clock.now();
    let producedAt = Infinity;
    const asked = cache.getOrSet('k', () => {
      producedAt = clock.now();
      return 'v';
    });
    await clock.advance(1_000);
    expect(await asked).toBe('v');
    expect(producedAt - began).toBeLessThanOrEqual(100);
  });

  it('takes foreign bytes under a key for a miss', async () => {
    const backend = new SlowBackend();
    const { cache } = open(backend);
    await cache.getOrSet('k', () => 'v');
    await cache.drain();
    for (const key of backend.values.keys())
      backend.values.set(key, new TextEncoder().encode('garbage'));
    expect(await cache.get('k')).toBeUndefined();
    expect(cache.stats().cache_corrupt).toBe(1);
    expect(await cache.getOrSet('k', () => 'again')).toBe('again');
    await cache.drain();
    expect(await cache.get('k')).toBe('again');
  });

  it('does not give back what was invalidated when very many other groups are invalidated after it', async () => {
    const { clock, cache } = open(new SlowBackend());
    await cache.getOrSet('row', () => 'old', { ttl: '1d', tags: ['row'] });
    await cache.drain();
    await clock.advance(1);
    await cache.invalidate({ tags: ['row'] });
    for (let i = 0; i < 100_001; i++) await cache.invalidate({ tenant: 'busy', tags: [String(i)] });
    expect(await cache.get('row')).toBeUndefined();
    await cache.getOrSet('row', () => 'new', { ttl: '1d', tags: ['row'] });
    await cache.drain();
    expect(await cache.get('row')).toBe('new');
  });

  it('is not used, for any key, while a delete waits for a write that hangs, and is again when it ends', async () => {
    const { backend, clock, cache } = slow();
    backend.slow = true;
    expect(await cache.getOrSet('bad', () => 'old')).toBe('old');
    backend.slow = false;
    await clock.advance(150);
    await cache.set('good', 'stored');
    const deleting = cache.delete('bad');
    await clock.advance(150);
    expect(await deleting).toEqual({ durable: false });
    expect(cache.stats().journal).toBe(1);
    for (let i = 0; i < 20; i++) {
      expect(await cache.getOrSet('bad', () => i)).toBe(i);
      expect(await cache.getOrSet('good', () => i)).toBe(i);
      expect(await cache.delete('good')).toEqual({ durable: false });
      expect(await cache.set('bad', 'set')).toEqual({ durable: false });
      await clock.advance(10_000);
    }
    // Each change is kept once, however often it is made; that of the other key was replayed.
    expect(cache.stats().journal).toBe(1);
    expect(backend.waiting.length).toBe(1);
    backend.release();
    await clock.advance(5_000);
    await cache.drain();
    expect(cache.stats().journal).toBe(0);
    expect([await cache.get('good'), await cache.get('bad')]).toEqual([undefined, undefined]);
    expect(await cache.set('bad', 'new')).toEqual({ durable: true });
    expect(await cache.get('bad')).toBe('new');
  });

  it('keeps the entries of an earlier run, and can invalidate them', async () => {
    const clock = new FakeClock();
    const backend = new MapBackend(clock);
    const before = open(backend, {}, clock);
    await before.cache.set('k', 'v', { tags: ['t'], ttl: '1h' });
    await before.cache.close();
    await clock.advance(1_000);
    const { cache } = open(backend, {}, clock);
    expect(await cache.get('k')).toBe('v');
    await cache.invalidate({ tags: ['t'] });
    expect(await cache.get('k')).toBeUndefined();
  });

  it('overwrites a key that is deleted with a tombstone when it has no delete', async () => {
    const clock = new FakeClock();
    const backend = new MapBackend(clock);
    const { cache } = open(backend, {}, clock);
    await cache.set('k', 'v');
    await cache.delete('k');
    expect([...backend.values.values()].map(({ bytes }) => bytes.length)).toEqual([0]);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('finds by its second lookup what another load has stored since the first one', async () => {
    const clock = new FakeClock();
    const map = new MapBackend(clock);
    let release = (): void => undefined;
    let gets = 0;
    const backend: CacheBackend = {
      set: (key, bytes, ttlMs) => map.set(key, bytes, ttlMs),
      get: async (key) => {
        const found = await map.get(key);
        // The first answer, that there is nothing, arrives late.
        if (++gets === 1) await new Promise<void>((resolve) => (release = resolve));
        return found;
      },
    };
    const { cache } = open(backend, {}, clock);
    const late = cache.getOrSet('k', () => 'produced twice');
    await clock.advance(1);
    expect(await cache.getOrSet('k', () => 'v')).toBe('v');
    await cache.drain();
    release();
    expect(await late).toBe('v');
    expect(cache.stats().cache_productions).toBe(1);
  });
});
