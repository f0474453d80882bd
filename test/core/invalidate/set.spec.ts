import { describe, expect, it } from 'vitest';
import { CODECS, CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { deferred, fleet } from '../../support/fleet.js';

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('set', () => {
    it.each(CODECS)('stores a value with %s for its ttl, whatever was there', async (codec) => {
      const { cache, clock } = open({ codec });
      const value = { rows: [1, null], at: new Date(0) };
      await cache.set('k', 'old');
      expect(await cache.set('k', value, { ttl: '1s' })).toEqual({ durable: true });
      expect(await cache.get('k')).toEqual(value);
      await clock.advance(1_000);
      expect(await cache.get('k')).toBeUndefined();
    });

    it.each<[string, unknown, object]>([
      ['undefined', undefined, {}],
      ['with a ttl of 0', 'new', { ttl: 0 }],
      ['that is too large', 'x'.repeat(200), {}],
    ])('deletes by a value %s', async (_, value, options) => {
      const { cache } = open({ maxValueBytes: 100 });
      await cache.set('k', 'old');
      expect(await cache.set('k', value, options)).toEqual({ durable: true });
      expect(await cache.get('k')).toBeUndefined();
    });

    it('deletes the old value and throws when the new one cannot be encoded', async () => {
      const { cache } = open();
      await cache.set('k', 'old');
      await expect(cache.set('k', () => 1)).rejects.toMatchObject({ code: 'CACHE_CODEC' });
      expect(await cache.get('k')).toBeUndefined();
    });

    it('keeps a load that is under way from replacing the value', async () => {
      const { cache, clock } = open();
      const { promise, resolve } = deferred<string>();
      const loading = cache.getOrSet('k', () => promise);
      await clock.advance(1);
      await cache.set('k', 'set');
      resolve('loaded');
      expect(await loading).toBe('loaded');
      await cache.drain();
      expect(await cache.get('k')).toBe('set');
    });

    it('stores a value that is invalidated by its tags, given or made of it', async () => {
      const { cache } = open();
      await cache.set('k', 'v', { tags: ['a'], resultTags: () => ['b'] });
      await cache.invalidate({ tags: ['c'] });
      expect(await cache.get('k')).toBe('v');
      await cache.invalidate({ tags: ['b'] });
      expect(await cache.get('k')).toBeUndefined();
    });
  });
});

describe('a set that does not reach the backend', () => {
  it('takes the old value out of use at once, and out of the backend when it is back', async () => {
    const { clock, first, second } = fleet(3);
    await first.cache.set('k', 'old');
    first.link.change('down');
    expect(await first.cache.set('k', 'new')).toEqual({ durable: false });
    expect(await first.cache.get('k')).toBeUndefined();
    expect(first.cache.stats().journal).toBe(1);
    first.link.change('up');
    first.link.hearAgain('replay');
    await clock.advance(5_000);
    await first.cache.drain();
    expect([first.cache.stats().journal, await second.cache.get('k')]).toEqual([0, undefined]);
  });
});
