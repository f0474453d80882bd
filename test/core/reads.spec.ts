import { expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache } from '../support/describe-cache.js';

describeCache(CONFIGURATIONS, ({ open, configuration }) => {
  const hasMemory = configuration.startsWith('memory') || configuration === 'shared + L1';

  it('tells in detail how a call was answered', async () => {
    const { cache, clock } = open({ ttl: '1s', staleWhileRevalidate: '1m' });
    const read = () => cache.getOrSetDetailed('k', () => 'v', { tags: ['t'] });
    const stored = {
      value: 'v',
      createdAt: clock.now(),
      freshUntil: clock.now() + 1_000,
      tags: ['t'],
    };
    expect(await read()).toEqual({ ...stored, outcome: 'miss' });
    await cache.drain();
    expect(await read()).toEqual({ ...stored, outcome: 'hit' });
    await clock.advance(1_000);
    expect(await read()).toEqual({ ...stored, outcome: 'stale' });
    await cache.drain();
    expect(await cache.getOrSetDetailed('skipped', ({ skip }) => (skip(), 1))).toEqual({
      value: 1,
      outcome: 'miss',
      createdAt: undefined,
      freshUntil: undefined,
      tags: [],
    });
  });

  it('peeks into memory without a promise, and finds nothing where a round trip is needed', async () => {
    const { cache } = open();
    expect(cache.peekMemory('k')).toBeUndefined();
    await cache.set('k', 'v');
    await cache.get('k');
    expect(cache.peekMemory('k')?.value).toBe(hasMemory ? 'v' : undefined);
    const { cache_hits } = cache.stats();
    expect(cache_hits).toBe(hasMemory ? 2 : 1);
  });

  it('gets what is fresh, and never produces', async () => {
    const { cache, clock } = open({ ttl: '1s', staleWhileRevalidate: '1m' });
    expect(await cache.get('k')).toBeUndefined();
    await cache.set('k', 'v');
    expect(await cache.get('k')).toBe('v');
    await clock.advance(1_000);
    expect(await cache.get('k')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ cache_hits: 1, cache_misses: 2, cache_productions: 0 });
  });

  it('rejects, and does not throw, what is no key and no producer', async () => {
    const { cache } = open();
    await expect(cache.getOrSet('', () => 1)).rejects.toMatchObject({ code: 'CACHE_KEY' });
    await expect(cache.getOrSet('k', undefined as never)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
    });
  });
});
