import { describe, expect, it } from 'vitest';
import { createCache } from '../../../lib/create-cache.js';
import type { CacheBackend } from '../../../lib/ports/backend.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';

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
}

function open(backend: CacheBackend) {
  const clock = new FakeClock();
  return { clock, cache: createCache({ clock, backend, jitter: 0, backendTimeout: 100 }) };
}

describe('a backend of two methods', () => {
  it('whose write outlives its deadline does not bring back what was deleted meanwhile', async () => {
    const backend = new SlowBackend();
    const { clock, cache } = open(backend);
    backend.slow = true;
    expect(await cache.getOrSet('k', () => 'old')).toBe('old');
    await clock.advance(150);
    backend.slow = false;
    const deleting = cache.delete('k');
    await clock.advance(150);
    // The backend still has a write of the key under way: nobody may say that the key is gone for good.
    expect(await deleting).toEqual({ durable: false });
    expect(await cache.getOrSet('k', () => 'new, not stored')).toBe('new, not stored');
    for (const go of backend.waiting.splice(0)) go();
    await clock.advance(5_000);
    await cache.drain();
    expect(cache.stats().journal).toBe(0);
    expect(await cache.get('k')).toBeUndefined();
    await cache.close();
  });

  it('that fails is a miss and an event, and its error is wrapped', async () => {
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
    expect(String(errors[0])).toContain('Broken.get failed.');
    expect(await cache.delete('k')).toEqual({ durable: false });
    await cache.close();
  });

  it('that hangs does not hold a caller up beyond the deadline', async () => {
    const { clock, cache } = open({
      get: () => new Promise(() => undefined),
      set: () => new Promise(() => undefined),
    });
    const began = clock.now();
    let producedAt = Infinity;
    const asked = cache.getOrSet('k', () => {
      producedAt = clock.now();
      return 'v';
    });
    await clock.advance(1_000);
    expect(await asked).toBe('v');
    expect(producedAt - began).toBeLessThanOrEqual(100);
    await cache.close();
  });

  it('with foreign bytes under a key counts them as a miss', async () => {
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
    await cache.close();
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
    await cache.close();
  });

  it('gives up the one key of a write that never ends, and nothing else, until it ends', async () => {
    const backend = new SlowBackend();
    const { clock, cache } = open(backend);
    backend.slow = true;
    expect(await cache.getOrSet('bad', () => 'old')).toBe('old');
    backend.slow = false;
    await clock.advance(150);
    expect(await cache.delete('bad')).toEqual({ durable: false });
    expect(cache.stats().journal).toBe(0);
    await cache.getOrSet('good', () => 'kept');
    await cache.drain();
    expect(await cache.get('good')).toBe('kept');
    for (let i = 0; i < 50; i++) {
      expect(await cache.getOrSet('bad', () => i)).toBe(i);
      expect(await cache.delete('bad')).toEqual({ durable: false });
      expect(await cache.set('bad', 'set')).toEqual({ durable: false });
      await clock.advance(10_000);
    }
    expect(cache.stats().journal).toBe(0);
    expect(await cache.deleteMany(['good', 'bad'])).toEqual({ durable: false });
    expect([await cache.get('good'), await cache.get('bad')]).toEqual([undefined, undefined]);
    expect(backend.waiting.length).toBe(1);
    for (const go of backend.waiting.splice(0)) go();
    await clock.advance(10);
    expect(await cache.get('bad')).toBeUndefined();
    expect(await cache.set('bad', 'new')).toEqual({ durable: true });
    expect(await cache.get('bad')).toBe('new');
    await cache.close();
  });
});
