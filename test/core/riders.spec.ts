import { describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../lib/core/observe/events.js';
import { createCache } from '../../lib/create-cache.js';

describe('callers of one key in one tick', () => {
  it('are each counted and told of once: one miss, the others joined', async () => {
    const cache = createCache();
    const outcomes: string[] = [];
    cache.events.on((event: CacheEvent) => {
      if (event.type === 'outcome') outcomes.push(event.outcome);
    });
    await Promise.all(
      Array.from({ length: 50 }, () => cache.getOrSet('page', async () => ({ rows: [1] }))),
    );
    expect(cache.stats()).toMatchObject({
      cache_misses: 50,
      cache_joined: 49,
      cache_hits: 0,
      cache_productions: 1,
    });
    expect(outcomes.filter((outcome) => outcome === 'miss')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'joined')).toHaveLength(49);
    await cache.close();
  });

  it('are each counted as a miss when the production fails, and all get its error', async () => {
    const cache = createCache();
    const outcomes: string[] = [];
    cache.events.on((event: CacheEvent) => {
      if (event.type === 'outcome') outcomes.push(event.outcome);
    });
    const error = new Error('no database');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => cache.getOrSet('page', () => Promise.reject(error))),
    );
    expect(results.every((result) => result.status === 'rejected' && result.reason === error)).toBe(
      true,
    );
    expect(cache.stats()).toMatchObject({
      cache_misses: 20,
      cache_joined: 0,
      cache_productions: 1,
    });
    expect(outcomes).toEqual(Array.from({ length: 20 }, () => 'error'));
    await cache.close();
  });

  it('each get a value of their own', async () => {
    const cache = createCache();
    const values = await Promise.all(
      Array.from({ length: 5 }, () => cache.getOrSet('page', async () => ({ rows: [1] }))),
    );
    values[1]?.rows.push(2);
    expect(values.map(({ rows }) => rows.length)).toEqual([1, 2, 1, 1, 1]);
    await cache.close();
  });
});
