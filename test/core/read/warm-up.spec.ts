import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CacheKey } from '../../../lib/index.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

const once = { name: 'start', every: '1h' } as const;
/** Productions that do not end before the test does. */
function hanging() {
  let end = (_value: never[]): void => undefined;
  const never = new Promise<never[]>((resolve) => (end = resolve));
  return {
    load: () => never,
    end: () => {
      end([]);
      return setImmediate();
    },
  };
}
const echo = (missing: readonly unknown[]) => missing.map(String);

describeCache(CONFIGURATIONS, ({ open, place }) => {
  describe('a warm-up', () => {
    it('fills in batches, counts failures and tells its progress', async () => {
      const { cache } = open();
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
      await cache.drain();
      expect(await cache.get('k24')).toBe('k24');
    });

    it('refuses sizes that are no positive whole numbers', async () => {
      const { cache } = open();
      await expect(
        cache.warmUp(['a'], (missing) => [...missing], { batchSize: 0 }),
      ).rejects.toThrow('warmUp: batchSize must be a positive whole number; got 0.');
    });
  });

  describe('a warm-up that is done once', () => {
    it('is done once in the while that is given, however many ask at the same time', async () => {
      const { cache } = open();
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
      await cache.drain();
      expect((await cache.warmUp(['c'], produce, { once })).skipped).toBe(true);
      expect(produced).toEqual(['a']);
    });

    it.each(['optional', 'required'] as const)(
      'fills the keys of its caller, tenancy %s',
      async (tenancy) => {
        const als = new AsyncLocalStorage<string>();
        const { cache } = open({ tenancy, tenant: () => als.getStore() });
        const load = (missing: readonly string[]) =>
          missing.map(() => `of ${String(als.getStore())}`);
        const warm = () => cache.warmUp(['balance'], load, { once });
        expect(await als.run('acme', warm)).toEqual({
          done: 1,
          failed: 0,
          total: 1,
          skipped: false,
        });
        expect(await als.run('acme', () => cache.get('balance'))).toBe('of acme');
        expect((await als.run('acme', warm)).skipped).toBe(true);
        // The keys of another tenant are others.
        expect((await als.run('umbrella', warm)).skipped).toBe(false);
        expect(await als.run('umbrella', () => cache.get('balance'))).toBe('of umbrella');
        if (tenancy === 'optional') expect(await cache.get('balance')).toBeUndefined();
      },
    );

    it('needs no tenant when every key names its own', async () => {
      const { cache } = open({ tenancy: 'required' });
      const keys = ['acme', 'umbrella'].map((tenant) =>
        CacheKey.builder().tenant(tenant).segment('balance').build(),
      );
      expect(await cache.warmUp(keys, echo, { once })).toEqual({
        done: 2,
        failed: 0,
        total: 2,
        skipped: false,
      });
      expect((await cache.warmUp(keys, echo, { once })).skipped).toBe(true);
    });

    it('cannot be taken for done by what somebody stores, nor have a value of its own read', async () => {
      const { cache } = open();
      const likely = [
        'warm-up:start',
        CacheKey.builder().segment('warm-up').param('name', 'start').build(),
      ];
      for (const key of likely) await cache.set(key, 'mine');
      expect((await cache.warmUp(['a'], echo, { once })).skipped).toBe(false);
      expect(await cache.getMany(likely)).toEqual(['mine', 'mine']);
    });

    it('is due again after its while, also in a cache that serves stale values', async () => {
      const { cache, clock } = open({
        staleWhileRevalidate: '1d',
        staleIfError: '1d',
        codec: 'cbor',
      });
      await cache.warmUp(['a'], echo, { once });
      await clock.advance(3_500_000);
      expect((await cache.warmUp(['a'], echo, { once })).skipped).toBe(true);
      await clock.advance(200_000);
      expect((await cache.warmUp(['b'], echo, { once })).skipped).toBe(false);
    });

    it('ends with an error when it takes longer than it may, and leaves it to others', async () => {
      const { cache, clock } = open();
      const { load, end } = hanging();
      const warming = cache.warmUp(['a', 'b'], load, {
        once: { ...once, within: '1s' },
        batchSize: 1,
      });
      warming.catch(() => undefined);
      await clock.advance(1_100);
      await expect(warming).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
      await clock.advance(60_000);
      expect((await cache.warmUp(['a'], echo, { once })).skipped).toBe(false);
      await end();
    });

    it('refuses a name that is none', async () => {
      const { cache } = open();
      await expect(
        cache.warmUp(['a'], echo, { once: { ...once, name: '' } }),
      ).rejects.toMatchObject({
        code: 'CACHE_CONFIG',
      });
    });
  });

  describe('a warm-up whose cache is closed', () => {
    it.each([{}, { once }])('ends after the batch under way, and says so: %o', async (options) => {
      const { open: openHere, clock } = place();
      const [{ cache }, { cache: other }] = [openHere(), openHere()];
      const keys = Array.from({ length: 50 }, (_, i) => `k${String(i)}`);
      let productions = 0;
      let finish: (() => void) | undefined;
      const load = async (missing: readonly string[]) => {
        productions++;
        if (productions === 3) await new Promise<void>((resolve) => (finish = resolve));
        return [...missing];
      };
      const warming = cache.warmUp(keys, load, { batchSize: 1, concurrency: 1, ...options });
      while (finish === undefined) await setImmediate();
      const closing = cache.close();
      finish();
      expect(await warming).toEqual({
        done: 3,
        failed: 0,
        total: 3,
        skipped: false,
        stopped: true,
      });
      await closing;
      await clock.advance(10);
      expect(productions).toBe(3);
      // It was not done, so somebody else may do it.
      expect(await other.warmUp(['x'], echo, options)).toEqual({
        done: 1,
        failed: 0,
        total: 1,
        skipped: false,
      });
      expect(await cache.warmUp(keys, load, options)).toEqual({
        done: 0,
        failed: 0,
        total: 0,
        skipped: false,
        stopped: true,
      });
      expect(productions).toBe(3);
    });

    it('does not wait for a batch that never ends', async () => {
      const { cache, clock } = open();
      const { load, end } = hanging();
      const warming = [{}, { once }].map((options) =>
        cache.warmUp(['a', 'b', 'c'], load, { batchSize: 1, concurrency: 1, ...options }),
      );
      await clock.advance(10);
      const closing = cache.close();
      await clock.advance(2_000);
      await closing;
      for (const result of await Promise.all(warming))
        expect(result).toMatchObject({ skipped: false, stopped: true });
      await end();
    });

    it('tells the source of its keys that no more are wanted', async () => {
      const { cache } = open();
      const seen: string[] = [];
      async function* keys() {
        try {
          for (let i = 0; ; i++) {
            await setImmediate();
            yield `k${String(i)}`;
          }
        } finally {
          seen.push('ended');
        }
      }
      const warming = cache.warmUp(keys(), echo, { batchSize: 2 });
      for (let i = 0; i < 10; i++) await setImmediate();
      await cache.close();
      expect(await warming).toMatchObject({ stopped: true });
      await setImmediate();
      expect(seen).toEqual(['ended']);
    });
  });
});
