import { afterEach, describe, expect, it } from 'vitest';
import type { CacheService } from '../../../lib/core/cache.js';
import { createCache } from '../../../lib/create-cache.js';

const caches: CacheService[] = [];
function newCache(): CacheService {
  const cache = createCache({ jitter: 0 });
  caches.push(cache);
  return cache;
}

afterEach(async () => {
  for (const cache of caches.splice(0)) {
    await cache.drain();
    expect(cache.stats()).toMatchObject({ flights: 0, background: 0, journal: 0 });
    await cache.close();
  }
});

function values(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
  );
}

describe('getOrSetMany', () => {
  it('produces what is missing in one call and answers in the order of the keys', async () => {
    const cache = newCache();
    await cache.set('b', 'stored');
    const asked: string[][] = [];
    const produce = async (missing: readonly string[]): Promise<string[]> => {
      asked.push([...missing]);
      return missing.map((key) => `made ${key}`);
    };
    expect(values(await cache.getOrSetMany(['a', 'b', 'c', 'a'], produce))).toEqual([
      'made a',
      'stored',
      'made c',
      'made a',
    ]);
    expect(asked).toEqual([['a', 'c']]);
    expect(values(await cache.getOrSetMany(['c', 'a'], produce))).toEqual(['made c', 'made a']);
    expect(asked).toHaveLength(1);
  });

  it('fails only the keys whose value is an error', async () => {
    const cache = newCache();
    const results = await cache.getOrSetMany(['a', 'b'], (missing) =>
      missing.map((key) => (key === 'a' ? new Error('no a') : key)),
    );
    expect(values(results)).toEqual(['no a', 'b']);
    expect(await cache.get('b')).toBe('b');
    expect(await cache.get('a')).toBeUndefined();
  });

  it('fails every missing key, and no other, when the production fails', async () => {
    const cache = newCache();
    await cache.set('b', 1);
    const results = await cache.getOrSetMany(['a', 'b', 'c'], () =>
      Promise.reject(new Error('origin away')),
    );
    expect(values(results)).toEqual(['origin away', 1, 'origin away']);
  });

  it('joins a load that is under way', async () => {
    const cache = newCache();
    let finish = (_value: string): void => undefined;
    const single = cache.getOrSet('a', () => new Promise<string>((resolve) => (finish = resolve)));
    const asked: string[][] = [];
    const many = cache.getOrSetMany(['a', 'b'], (missing) => {
      asked.push([...missing]);
      return missing.map((key) => `made ${key}`);
    });
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual([['b']]);
    finish('single a');
    expect(values(await many)).toEqual(['single a', 'made b']);
    expect(await single).toBe('single a');
  });

  it('says what it expected when the producer returns something else than one value for each key', async () => {
    const cache = newCache();
    const results = await cache.getOrSetMany(['a', 'b'], () => ['only one']);
    expect(values(results)).toEqual(
      Array(2).fill(
        'produceMissing must return an array of 2 values or errors, in the order of the keys it was given; got 1 elements.',
      ),
    );
  });

  it('refuses a production that asks for a key of its own batch', async () => {
    const cache = newCache();
    const results = await cache.getOrSetMany(['a', 'b'], async (missing) => {
      await cache.getOrSet('a', () => 'inner');
      return missing.map(() => 'outer');
    });
    expect(
      results.map(
        (result) => result.status === 'rejected' && (result.reason as { code: string }).code,
      ),
    ).toEqual(['CACHE_REENTRANT', 'CACHE_REENTRANT']);
  });

  it('does not store what an invalidation overtook', async () => {
    const cache = newCache();
    const results = await cache.getOrSetMany(['a', 'b'], async (missing) => {
      await cache.delete('a');
      return missing.map((key) => key);
    });
    expect(values(results)).toEqual(['a', 'b']);
    expect(await cache.getMany(['a', 'b'])).toEqual([undefined, 'b']);
  });
});

describe('getMany, setMany, deleteMany', () => {
  it('store, read and delete in the order of the keys', async () => {
    const cache = newCache();
    expect(
      await cache.setMany([
        ['a', 1],
        ['b', null],
      ]),
    ).toEqual({ durable: true });
    expect(await cache.getMany(['b', 'x', 'a'])).toEqual([null, undefined, 1]);
    expect(await cache.deleteMany(['a', 'x'])).toEqual({ durable: true });
    expect(await cache.deleteMany([])).toEqual({ durable: true });
    expect(await cache.getMany(['a', 'b'])).toEqual([undefined, null]);
  });
});

describe('warmUp', () => {
  it('fills in batches, counts failures and tells its progress', async () => {
    const cache = newCache();
    const keys = Array.from({ length: 25 }, (_, i) => `k${String(i)}`);
    const progress: number[] = [];
    const result = await cache.warmUp(
      keys,
      (missing) => missing.map((key) => (key === 'k7' ? new Error('no') : key)),
      {
        batchSize: 10,
        concurrency: 1,
        onProgress: ({ done }) => progress.push(done),
      },
    );
    expect(result).toEqual({ done: 25, failed: 1, total: 25, skipped: false });
    expect(progress).toEqual([10, 20, 25]);
    expect(await cache.get('k24')).toBe('k24');
  });

  it('is done once in the while that is given', async () => {
    const cache = newCache();
    const once = { name: 'start', every: '1h' } as const;
    const produced: string[] = [];
    const produce = (missing: readonly string[]): string[] => {
      produced.push(...missing);
      return [...missing];
    };
    const [first, second] = await Promise.all([
      cache.warmUp(['a'], produce, { once }),
      cache.warmUp(['b'], produce, { once }),
    ]);
    expect([first.skipped, second.skipped]).toEqual([false, true]);
    expect((await cache.warmUp(['c'], produce, { once })).skipped).toBe(true);
    expect(produced).toEqual(['a']);
  });

  it('refuses sizes that are no positive whole numbers', async () => {
    const cache = newCache();
    await expect(cache.warmUp(['a'], (missing) => [...missing], { batchSize: 0 })).rejects.toThrow(
      'warmUp: batchSize must be a positive whole number; got 0.',
    );
  });
});

describe('inspect', () => {
  it('tells how an entry is judged, without its value', async () => {
    const cache = newCache();
    expect(await cache.inspect('a')).toMatchObject({
      verdict: 'absent',
      entry: undefined,
      leased: false,
    });
    await cache.set('a', { secret: 1 }, { tags: ['t'], ttl: '1m' });
    const found = await cache.inspect('a');
    expect(found).toMatchObject({
      key: 'segment:a',
      verdict: 'fresh',
      tier: 'l1',
      entry: { codec: 'json', tags: ['t'] },
    });
    expect(JSON.stringify(found)).not.toContain('secret');
  });
});
