import { describe, expect, it } from 'vitest';
import { CODECS, CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

function values(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
  );
}

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('getOrSetMany', () => {
    it.each(CODECS)(
      'produces what is missing in one call and answers in the order of the keys, with %s',
      async (codec) => {
        const { cache } = open({ codec });
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
        await cache.drain();
        expect(values(await cache.getOrSetMany(['c', 'a'], produce))).toEqual(['made c', 'made a']);
        expect(asked).toHaveLength(1);
      },
    );

    it('fails only the keys whose value is an error', async () => {
      const { cache } = open();
      const results = await cache.getOrSetMany(['a', 'b'], (missing) =>
        missing.map((key) => (key === 'a' ? new Error('no a') : key)),
      );
      expect(values(results)).toEqual(['no a', 'b']);
      await cache.drain();
      expect(await cache.getMany(['a', 'b'])).toEqual([undefined, 'b']);
    });

    it('fails every missing key, and no other, when the production fails', async () => {
      const { cache } = open();
      await cache.set('b', 1);
      const results = await cache.getOrSetMany(['a', 'b', 'c'], () =>
        Promise.reject(new Error('origin away')),
      );
      expect(values(results)).toEqual(['origin away', 1, 'origin away']);
    });

    it('joins a load that is under way', async () => {
      const { cache, clock } = open();
      let finish = (_value: string): void => undefined;
      const single = cache.getOrSet(
        'a',
        () => new Promise<string>((resolve) => (finish = resolve)),
      );
      await clock.advance(0);
      const asked: string[][] = [];
      const many = cache.getOrSetMany(['a', 'b'], (missing) => {
        asked.push([...missing]);
        return missing.map((key) => `made ${key}`);
      });
      await clock.advance(0);
      expect(asked).toEqual([['b']]);
      finish('single a');
      expect(values(await many)).toEqual(['single a', 'made b']);
      expect(await single).toBe('single a');
    });

    it('says what it expected when the producer does not return one value for each key', async () => {
      const { cache } = open();
      const results = await cache.getOrSetMany(['a', 'b'], () => ['only one']);
      expect(values(results)).toEqual(
        Array(2).fill(
          'produceMissing must return an array of 2 values or errors, in the order of the keys it was given; got 1 elements.',
        ),
      );
    });

    it('refuses a production that asks for a key of its own batch', async () => {
      const { cache } = open();
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

    it('does not store what an invalidation has overtaken', async () => {
      const { cache } = open();
      const results = await cache.getOrSetMany(['a', 'b'], async (missing) => {
        await cache.delete('a');
        return missing.map((key) => key);
      });
      expect(values(results)).toEqual(['a', 'b']);
      await cache.drain();
      expect(await cache.getMany(['a', 'b'])).toEqual([undefined, 'b']);
    });

    it('answers a batch of no keys without a production', async () => {
      const { cache } = open();
      const fail = () => Promise.reject(new Error('never called'));
      expect(await cache.getOrSetMany([], fail)).toEqual([]);
    });
  });
});
