import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../lib/backends/memory/memory-backend.js';
import { createCache } from '../lib/create-cache.js';
import type { CacheOptions } from '../lib/core/options/types.js';
import type { CacheBackend } from '../lib/ports/backend.js';

class MapBackend implements CacheBackend {
  readonly #map = new Map<string, Uint8Array>();
  closed = 0;

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#map.get(key);
  }

  async set(key: string, bytes: Uint8Array): Promise<void> {
    this.#map.set(key, bytes);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

describe('createCache', () => {
  it('closes a backend that several caches share with the last of them', async () => {
    const backend = new MapBackend();
    const [a, b] = [
      createCache({ backend, namespace: 'a' }),
      createCache({ backend, namespace: 'b' }),
    ];
    await a.close();
    await a.close();
    expect(backend.closed).toBe(0);
    expect(await b.getOrSet('key', () => 1)).toBe(1);
    await b.close();
    expect(backend.closed).toBe(1);
  });

  it('works on a backend of two methods: single-flight, hits, tags, and no stale value after a delete during a load', async () => {
    const cache = createCache({ backend: new MapBackend() });
    let productions = 0;
    const load = (): Promise<number> => cache.getOrSet('key', () => ++productions, { tags: ['t'] });
    expect(await Promise.all([load(), load(), load()])).toEqual([1, 1, 1]);
    await cache.drain();
    expect(await load()).toBe(1);
    await cache.invalidate({ tags: ['t'] });
    expect(await load()).toBe(2);
    await cache.drain();
    let finish = (_value: string): void => undefined;
    const slow = cache.getOrSet('slow', () => new Promise<string>((resolve) => (finish = resolve)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await cache.delete('slow')).toEqual({ durable: true });
    const fresh = await cache.getOrSet('slow', () => 'new');
    finish('old');
    expect([await slow, fresh]).toEqual(['old', 'new']);
    await cache.drain();
    expect(await cache.get('slow')).toBe('new');
    await cache.close();
  });

  it.each<[CacheOptions, string]>([
    [
      { backend: {} as unknown as CacheBackend },
      'backend must be an object with the methods get(key) and set(key, bytes, ttlMs)',
    ],
    [
      { l1: true },
      'l1 is a cache in memory in front of a shared backend; this backend is in memory already',
    ],
    [
      { backend: new MapBackend(), l1: true },
      'l1 needs a backend that tells of the invalidations of other processes',
    ],
    [
      { backend: new MemoryBackend(), ttl: '5 minutes' as unknown as '5m' },
      'ttl must be a duration',
    ],
    [{ ttl: -1 }, 'got -1'],
    [{ ttl: NaN }, 'got NaN'],
    [{ jitter: 2 }, 'jitter must be a number from 0 to 1; got 2.'],
    [{ tll: 5 } as unknown as CacheOptions, 'Unknown option of a cache "tll". Options are:'],
    [{ codec: 'xml' as unknown as 'json' }, "codec must be one of 'json', 'cbor', or an object"],
    [{ tenancy: 'maybe' as unknown as 'required' }, "tenancy must be 'optional' or 'required'"],
    [
      { refreshAhead: 2 },
      "refreshAhead must be 'xfetch', false, or a share of the ttl between 0 and 1; got 2.",
    ],
    [{ producerTimeout: { hard: 0 } }, 'producerTimeout.hard must be at least 1 ms; got 0 ms.'],
    [{ namespace: '' }, 'namespace must be a string of 1 to 100 characters; got "".'],
  ])('refuses %j', (options, message) => {
    expect(() => createCache(options)).toThrow(
      expect.objectContaining({
        code: 'CACHE_CONFIG',
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  it('runs producers without caching after it was closed', async () => {
    const cache = createCache();
    await cache.close();
    let productions = 0;
    expect(await cache.getOrSet('key', () => ++productions)).toBe(1);
    expect(await cache.getOrSet('key', () => ++productions)).toBe(2);
    expect(await cache.get('key')).toBeUndefined();
    expect(cache.stats().cache_bypassed).toBe(2);
  });
});
