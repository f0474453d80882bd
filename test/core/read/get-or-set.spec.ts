import { describe, expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { deferred } from '../../support/fleet.js';

const down = () => Promise.reject(new Error('the database is away'));

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('getOrSet', () => {
    it('answers with what is fresh, and produces again after the ttl', async () => {
      const { cache, clock } = open({ ttl: '1s' });
      let productions = 0;
      const read = async () => {
        const value = await cache.getOrSet('k', () => ++productions);
        await cache.drain();
        return value;
      };
      expect([await read(), await read()]).toEqual([1, 1]);
      await clock.advance(999);
      expect(await read()).toBe(1);
      await clock.advance(1);
      expect(await read()).toBe(2);
    });

    it('answers callers of one key with one production', async () => {
      const { cache } = open();
      let productions = 0;
      const read = () => cache.getOrSet('k', async () => ++productions);
      expect(await Promise.all(Array.from({ length: 100 }, read))).toEqual(
        Array.from({ length: 100 }, () => 1),
      );
    });

    it('answers with a stale value at once, while one refresh runs in the background', async () => {
      const { cache, clock } = open({ ttl: '1s', staleWhileRevalidate: '1m' });
      await cache.getOrSet('k', () => 'old');
      await cache.drain();
      await clock.advance(1_000);
      const { promise, resolve } = deferred<string>();
      let productions = 0;
      const read = () =>
        cache.getOrSet('k', ({ background }) => {
          expect(background).toBe(true);
          productions++;
          return promise;
        });
      expect(await Promise.all([read(), read(), read()])).toEqual(['old', 'old', 'old']);
      expect(await read()).toBe('old');
      resolve('new');
      await cache.drain();
      expect([await read(), productions]).toEqual(['new', 1]);
    });

    it('leaves a failing producer alone for a while, and still answers with the stale value', async () => {
      const { cache, clock } = open({ ttl: '1s', staleIfError: '1h' });
      await cache.getOrSet('k', () => 'old');
      await cache.drain();
      await clock.advance(1_000);
      let productions = 0;
      const read = () =>
        cache.getOrSet('k', () => {
          productions++;
          return down();
        });
      for (let i = 0; i < 5; i++) expect(await read()).toBe('old');
      expect(productions).toBe(1);
      await clock.advance(1_000);
      for (let i = 0; i < 5; i++) expect(await read()).toBe('old');
      expect(productions).toBe(2);
    });

    it('does not answer with a stale value when the failure is the fault of the caller', async () => {
      const { cache, clock } = open({
        ttl: '1s',
        staleIfError: '1h',
        staleIfErrorWhen: () => false,
      });
      await cache.getOrSet('k', () => 'old');
      await cache.drain();
      await clock.advance(1_000);
      await expect(cache.getOrSet('k', down)).rejects.toThrow('the database is away');
    });

    it('passes the error on after the windows, and without any', async () => {
      const { cache, clock } = open({ ttl: '1s', staleIfError: '1m' });
      await expect(cache.getOrSet('k', down)).rejects.toThrow('the database is away');
      await cache.getOrSet('k', () => 'old');
      await cache.drain();
      await clock.advance(61_000);
      await expect(cache.getOrSet('k', down)).rejects.toThrow('the database is away');
    });

    it('answers with the stale value after the soft timeout, and stores the new one later', async () => {
      const { cache, clock } = open({
        ttl: '1s',
        staleIfError: '1m',
        producerTimeout: { soft: 100 },
      });
      await cache.getOrSet('k', () => 'old');
      await cache.drain();
      await clock.advance(1_000);
      const { promise, resolve } = deferred<string>();
      const asked = cache.getOrSet('k', () => promise);
      await clock.advance(100);
      expect(await asked).toBe('old');
      resolve('new');
      await cache.drain();
      expect(await cache.get('k')).toBe('new');
    });

    it('refreshes before the end of the ttl when a share of it has passed', async () => {
      const { cache, clock } = open({ ttl: '10s', refreshAhead: 0.5 });
      let productions = 0;
      const read = async () => {
        const value = await cache.getOrSet('k', () => ++productions);
        await cache.drain();
        return value;
      };
      await read();
      await clock.advance(4_999);
      expect(await read()).toBe(1);
      await clock.advance(1);
      expect([await read(), await read()]).toEqual([1, 2]);
    });

    it('does not give a value whose production began before an invalidation to a caller after it', async () => {
      const { cache, clock } = open();
      const { promise, resolve } = deferred<string>();
      const early = cache.getOrSet('k', () => promise, { tags: ['t'] });
      await clock.advance(1);
      await cache.invalidate({ tags: ['t'] });
      const late = cache.getOrSet('k', () => 'new', { tags: ['t'] });
      await clock.advance(1);
      resolve('old');
      expect(await Promise.all([early, late])).toEqual(['old', 'new']);
      await cache.drain();
      expect(await cache.get('k')).toBe('new');
    });

    it('answers with a soft invalidated value once more, while it is refreshed', async () => {
      const { cache } = open({ staleWhileRevalidate: '1m' });
      await cache.getOrSet('k', () => 'old', { tags: ['t'] });
      await cache.drain();
      await cache.invalidate({ tags: ['t'], mode: 'soft' });
      expect(await cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('old');
      await cache.drain();
      expect(await cache.getOrSet('k', () => 'newer', { tags: ['t'] })).toBe('new');
    });

    it('invalidates by a tag that only the result has', async () => {
      const { cache } = open();
      const resultTags = (value: string) => [`of:${value}`];
      await cache.getOrSet('k', () => 'old', { resultTags });
      await cache.drain();
      await cache.invalidate({ tags: ['of:another'] });
      expect(await cache.getOrSet('k', () => 'new', { resultTags })).toBe('old');
      await cache.invalidate({ tags: ['of:old'] });
      expect(await cache.getOrSet('k', () => 'new', { resultTags })).toBe('new');
    });
  });
});
