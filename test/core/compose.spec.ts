import { describe, expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache, placeOf } from '../support/describe-cache.js';
import { deferred } from '../support/fleet.js';

describeCache(CONFIGURATIONS, ({ open }) => {
  it('drains when loads, their writes, refreshes and what these start have ended', async () => {
    const { cache, clock, engine } = open({ ttl: '1s', staleWhileRevalidate: '1m' });
    await cache.getOrSet('stale', () => 'old');
    await cache.drain();
    await clock.advance(1_000);
    const [load, refresh] = [deferred<string>(), deferred<string>()];
    void cache.getOrSet('k', () => load.promise);
    await cache.getOrSet('stale', async () => {
      await refresh.promise;
      return cache.getOrSet('inner', () => 'v');
    });
    let isDrained = false;
    const draining = cache.drain().then(() => (isDrained = true));
    await clock.advance(1);
    load.resolve('v');
    await clock.advance(1);
    expect(isDrained).toBe(false);
    refresh.resolve('new');
    await draining;
    expect([engine.flights.size, engine.background.size]).toEqual([0, 0]);
    expect(await cache.getMany(['k', 'stale', 'inner'])).toEqual(['v', 'v', 'v']);
  });

  it('waits for a load when it is closed, which is stored', async () => {
    const { cache, clock } = open();
    const { promise, resolve } = deferred<string>();
    const loading = cache.getOrSet('k', () => promise);
    await clock.advance(1);
    const closing = cache.close();
    await clock.advance(1_000);
    resolve('v');
    expect(await loading).toBe('v');
    await closing;
    expect(cache.stats()).toMatchObject({ cache_fills: 1, flights: 0 });
  });
});

describe('caches on one namespace of one memory backend', () => {
  it('share loads, entries and invalidations', async () => {
    const { open } = placeOf('memory/copy');
    const [first, second] = [open(), open()];
    const { promise, resolve } = deferred<string>();
    const loading = first.cache.getOrSet('k', () => promise, { tags: ['t'] });
    const joining = second.cache.getOrSet('k', () => 'never produced', { tags: ['t'] });
    resolve('v');
    expect(await Promise.all([loading, joining])).toEqual(['v', 'v']);
    expect(await second.cache.get('k')).toBe('v');
    await second.cache.invalidate({ tags: ['t'] });
    expect(await first.cache.get('k')).toBeUndefined();
    expect([first.cache.stats().flights, first.cache.stats().cache_productions]).toEqual([0, 1]);
  });

  it('are closed one by one: a load goes on that another cache runs', async () => {
    const { open, clock } = placeOf('memory/copy');
    const [first, second] = [open(), open()];
    const { promise, resolve } = deferred<string>();
    const loading = first.cache.getOrSet('k', () => promise);
    await second.cache.close();
    resolve('v');
    expect(await loading).toBe('v');
    expect(await first.cache.get('k')).toBe('v');
    await clock.advance(1);
  });

  it('are apart from those of another namespace', async () => {
    const { open } = placeOf('memory/copy');
    const [first, second] = [open({ namespace: 'a' }), open({ namespace: 'b' })];
    await first.cache.set('k', 1);
    expect(await second.cache.get('k')).toBeUndefined();
    await second.cache.clear();
    await second.cache.drain();
    expect(await first.cache.get('k')).toBe(1);
  });
});
