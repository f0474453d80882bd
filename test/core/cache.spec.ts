import { describe, expect, it } from 'vitest';
import type { CacheService } from '../../lib/core/cache.js';
import { CONFIGURATIONS, describeCache } from '../support/describe-cache.js';

const values = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
  );

describeCache(CONFIGURATIONS, ({ open, place }) => {
  describe('many keys at once', () => {
    it('are stored, read and deleted in the order in which they are given', async () => {
      const { cache } = open();
      const entries = [
        ['a', 1],
        ['b', null],
      ] as const;
      expect(await cache.setMany(entries)).toEqual({ durable: true });
      expect(await cache.getMany(['b', 'x', 'a'])).toEqual([null, undefined, 1]);
      expect(await cache.deleteMany(['a', 'x'])).toEqual({ durable: true });
      expect(await cache.deleteMany([])).toEqual({ durable: true });
      expect(await cache.getMany(['a', 'b'])).toEqual([undefined, null]);
    });
  });

  describe('a closed cache', () => {
    const closedBesideOpen = async () => {
      const { open: openHere, clock } = place();
      const [closed, other] = [openHere().cache, openHere().cache];
      await other.set('k', 'stored', { tags: ['t'] });
      // Over two methods, what another process has stored counts from the next millisecond on.
      await clock.advance(1);
      expect(await closed.get('k')).toBe('stored');
      await closed.close();
      await closed.close();
      return { closed, other };
    };

    it('finds nothing, and produces what is asked for without caching it', async () => {
      const { closed, other } = await closedBesideOpen();
      expect(await closed.get('k')).toBeUndefined();
      expect(await closed.getMany(['k', 'l'])).toEqual([undefined, undefined]);
      expect(await closed.getOrSet('k', () => 'made')).toBe('made');
      expect((await closed.getOrSetDetailed('k', () => 'made')).outcome).toBe('bypass');
      expect(await other.get('k')).toBe('stored');
    });

    it('produces a batch in one call, without caching it', async () => {
      const { closed, other } = await closedBesideOpen();
      await other.delete('k');
      const calls: (readonly string[])[] = [];
      const load = (missing: readonly string[]) => {
        calls.push(missing);
        return missing.map((key) => (key === 'bad' ? new Error('no such row') : `made ${key}`));
      };
      expect(values(await closed.getOrSetMany(['k', 'bad', 'k', 'l'], load))).toEqual([
        'made k',
        'no such row',
        'made k',
        'made l',
      ]);
      expect(calls).toEqual([['k', 'bad', 'l']]);
      expect(closed.stats()).toMatchObject({ cache_bypassed: 3, flights: 0 });
      expect(await other.getMany(['k', 'l'])).toEqual([undefined, undefined]);
    });

    it.each([
      ['set', (cache: CacheService) => cache.set('k', 'new')],
      ['setMany', (cache: CacheService) => cache.setMany([['k', 'new']])],
      ['delete', (cache: CacheService) => cache.delete('k')],
      ['deleteMany', (cache: CacheService) => cache.deleteMany(['k'])],
      ['invalidate', (cache: CacheService) => cache.invalidate({ tags: ['t'] })],
      ['clear', (cache: CacheService) => cache.clear()],
    ])('changes nothing by %s, and says so', async (_, change) => {
      const { closed, other } = await closedBesideOpen();
      expect(await change(closed)).toEqual({ durable: false });
      expect(await other.get('k')).toBe('stored');
      expect(closed.stats().journal).toBe(0);
    });

    it('runs a unit of work, whose changes are not made either', async () => {
      const { closed, other } = await closedBesideOpen();
      expect(await closed.unitOfWork(() => closed.delete('k'))).toEqual({
        durable: false,
        held: true,
      });
      expect(await other.get('k')).toBe('stored');
    });

    it('rejects what it cannot change when it is strict', async () => {
      const { cache } = open({ strict: true });
      await cache.close();
      await expect(cache.delete('k')).rejects.toThrow(
        'The cache is closed, so nothing was changed.',
      );
      await expect(cache.set('k', 1)).rejects.toMatchObject({ code: 'CACHE_NOT_DURABLE' });
    });

    it('aborts a load that does not end, whose callers get the reason', async () => {
      const { cache, clock } = open();
      let seen: AbortSignal | undefined;
      const asked = cache.getOrSet('k', ({ signal }) => {
        seen = signal;
        return new Promise<string>(() => undefined);
      });
      asked.catch(() => undefined);
      await clock.advance(1);
      await Promise.all([cache.close(), clock.advance(2_000)]);
      await expect(asked).rejects.toMatchObject({ code: 'CACHE_CLOSED' });
      expect([seen?.aborted, cache.stats().flights, clock.pending]).toEqual([true, 0, 0]);
    });
  });
});
