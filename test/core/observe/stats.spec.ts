import { describe, expect, it } from 'vitest';
import { Stats } from '../../../lib/core/observe/stats.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

describe('a snapshot of the counters', () => {
  it('does not change when counting goes on', () => {
    const stats = new Stats();
    stats.cache_hits++;
    const snapshot = stats.snapshot();
    stats.cache_hits++;
    expect([snapshot.cache_hits, stats.cache_hits]).toEqual([1, 2]);
  });
});

describeCache(CONFIGURATIONS, ({ open }) => {
  it('tells exactly one outcome for each call, and hits and misses add up to the calls', async () => {
    const { cache, clock } = open({
      ttl: '1s',
      staleWhileRevalidate: '1m',
      staleIfError: '1h',
    });
    const outcomes: string[] = [];
    cache.events.on((event) => {
      if (event.type === 'outcome') outcomes.push(event.outcome);
    });
    const fail = () => {
      throw new Error('down');
    };
    await cache.getOrSet('k', () => 1);
    await cache.drain();
    await cache.getOrSet('k', () => 1);
    await Promise.all([cache.getOrSet('j', () => 1), cache.getOrSet('j', () => 1)]);
    await cache.get('none');
    await cache.getOrSet('e', fail).catch(() => undefined);
    await clock.advance(2_000);
    await cache.getOrSet('k', () => 2);
    await cache.drain();
    await clock.advance(100_000);
    await cache.getOrSet('k', fail);
    const { cache_hits, cache_misses, cache_stale, cache_fallback, cache_joined } = cache.stats();
    expect(outcomes.sort()).toEqual([
      'error',
      'fallback',
      'hit',
      'joined',
      'miss',
      'miss',
      'miss',
      'stale',
    ]);
    expect([cache_hits, cache_misses, cache_stale, cache_fallback, cache_joined]).toEqual([
      2, 6, 1, 1, 1,
    ]);
  });

  it('counts callers of one key in one tick once each: one miss, the others joined', async () => {
    const { cache } = open();
    const outcomes: string[] = [];
    cache.events.on((event) => {
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
  });

  it('counts each of them as a miss when the production fails, and all get its error', async () => {
    const { cache } = open();
    const outcomes: string[] = [];
    cache.events.on((event) => {
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
  });
});
