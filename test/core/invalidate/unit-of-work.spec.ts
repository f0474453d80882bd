import { beforeEach, describe, expect, it } from 'vitest';
import type { CacheService } from '../../../lib/core/cache.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { deferred } from '../../support/fleet.js';

class Rollback extends Error {}

describeCache(CONFIGURATIONS, ({ open }) => {
  let cache: CacheService;
  let rows: Map<string, number>;
  let reads: string[];

  beforeEach(() => {
    ({ cache } = open());
    rows = new Map([
      ['a', 1],
      ['b', 1],
    ]);
    reads = [];
  });

  /** A read whose result is stored when it returns. */
  async function read(name: string): Promise<number | undefined> {
    const produce = (): number | undefined => {
      reads.push(name);
      return rows.get(name);
    };
    const value = await cache.getOrSet(name, produce, { tags: [`row:${name}`] });
    await cache.drain();
    return value;
  }

  describe('a unit of work', () => {
    it('carries its invalidations out when the work has succeeded, and not before', async () => {
      await read('a');
      const { promise, resolve } = deferred<void>();
      // Begun outside of the unit.
      const outsider = promise.then(() => read('a'));
      await cache.unitOfWork(async () => {
        expect(await cache.invalidate({ tags: ['row:a'] })).toEqual({ durable: false, held: true });
        rows.set('a', 2);
        resolve();
        expect(await outsider, 'others still get what is committed').toBe(1);
      });
      expect(await read('a')).toBe(2);
    });

    it('drops its invalidations when the work fails, and passes the error on', async () => {
      await read('a');
      const working = cache.unitOfWork(async () => {
        await cache.delete('a');
        await cache.invalidate({ tags: ['row:a'] });
        await cache.clear();
        throw new Rollback();
      });
      await expect(working).rejects.toThrow(Rollback);
      reads = [];
      expect(await read('a')).toBe(1);
      expect(reads).toEqual([]);
      expect(cache.stats().cache_invalidations).toBe(0);
    });

    it('carries them out when it is in doubt whether the work was committed', async () => {
      await read('a');
      const lost = (): Promise<void> =>
        cache.unitOfWork(
          async () => {
            await cache.delete('a');
            rows.set('a', 2);
            throw new Error('connection lost during COMMIT');
          },
          { inDoubt: (error) => error instanceof Error && error.message.includes('COMMIT') },
        );
      await expect(lost()).rejects.toThrow('connection lost');
      expect(await read('a')).toBe(2);
    });

    it.each([
      ['by key', () => cache.delete('a')],
      ['by tag', () => cache.invalidate({ tags: ['row:a'] })],
      ['by two tags together', () => cache.invalidate({ tags: ['row:a', 'all'], match: 'all' })],
      ['by a clear', () => cache.clear()],
      ['by a set', () => cache.set('a', 99)],
    ])('reads past what it has made dirty %s, and stores none of it', async (_, dirty) => {
      const readA = (): Promise<number | undefined> =>
        cache.getOrSet('a', () => rows.get('a'), { tags: ['row:a', 'all'] });
      await readA();
      await cache.drain();
      await expect(
        cache.unitOfWork(async () => {
          await dirty();
          rows.set('a', 2);
          expect(await readA()).toBe(2);
          expect(await cache.get('a')).toBeUndefined();
          expect(
            (await cache.getOrSetDetailed('a', () => rows.get('a'), { tags: ['row:a', 'all'] }))
              .outcome,
          ).toBe('bypass');
          rows.set('a', 1);
          throw new Rollback();
        }),
      ).rejects.toThrow(Rollback);
      expect(await cache.get('a')).toBe(1);
    });

    it('sees that an entry is dirty by a tag that only its result had', async () => {
      const readA = (): Promise<number | undefined> =>
        cache.getOrSet('a', () => rows.get('a'), { tags: (value) => [`value:${String(value)}`] });
      await readA();
      await cache.drain();
      await cache.unitOfWork(async () => {
        await cache.invalidate({ tags: ['value:1'] });
        rows.set('a', 2);
        expect(await readA()).toBe(2);
      });
    });

    it('takes what is fresh and clean, but never stores or shares what it produced itself', async () => {
      await read('b');
      reads = [];
      await expect(
        cache.unitOfWork(async () => {
          rows.set('a', 666);
          // Written but not yet invalidated: the transaction alone may see it.
          expect(await read('a')).toBe(666);
          expect(await read('b')).toBe(1);
          expect(
            await cache.getOrSetMany<number>(['a', 'b'], (missing) =>
              missing.map((name) => rows.get(String(name)) ?? 0),
            ),
          ).toEqual([
            { status: 'fulfilled', value: 666 },
            { status: 'fulfilled', value: 1 },
          ]);
          rows.set('a', 1);
          throw new Rollback();
        }),
      ).rejects.toThrow(Rollback);
      expect(reads).toEqual(['a']);
      expect(await cache.get('a')).toBeUndefined();
      expect(await read('a')).toBe(1);
    });

    it('produces a batch as outside: each key once, an error for each key that has none, and nothing is stored', async () => {
      await cache.set('b', 2);
      const asked: (readonly string[])[] = [];
      await cache.unitOfWork(async () => {
        const load = (missing: readonly string[]): number[] => {
          asked.push(missing);
          return missing.map((_, i) => i);
        };
        expect(await cache.getOrSetMany(['a', 'b', 'a', 'c'], load)).toEqual(
          [0, 2, 0, 1].map((value) => ({ status: 'fulfilled', value })),
        );
        expect(asked).toEqual([['a', 'c']]);
        const away = new Error('origin away');
        expect(
          await cache.getOrSetMany(['a', 'b', 'c'], () => Promise.reject<number[]>(away)),
        ).toEqual([
          { status: 'rejected', reason: away },
          { status: 'fulfilled', value: 2 },
          { status: 'rejected', reason: away },
        ]);
        const [short] = await cache.getOrSetMany(['a', 'c'], () => [1]);
        expect(short).toMatchObject({
          status: 'rejected',
          reason: { message: expect.stringMatching(/2 values or errors/) as string },
        });
      });
      expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, 2, undefined]);
    });

    it('says that it holds what setMany sets', async () => {
      expect(
        await cache.unitOfWork(() =>
          cache.setMany([
            ['a', 1],
            ['b', 2],
          ]),
        ),
      ).toEqual({ durable: false, held: true });
      expect(await cache.unitOfWork(() => cache.setMany([]))).toEqual({ durable: true });
    });

    it('makes a set a delete at its end', async () => {
      await cache.set('a', 1);
      await cache.unitOfWork(() => cache.set('a', 2));
      expect(await cache.get('a')).toBeUndefined();
    });

    it('is joined by the units inside it', async () => {
      await read('a');
      await expect(
        cache.unitOfWork(async () => {
          await cache.unitOfWork(() => cache.delete('a'));
          expect(cache.stats().cache_invalidations).toBe(0);
          throw new Rollback();
        }),
      ).rejects.toThrow(Rollback);
      expect(await cache.get('a')).toBe(1);
    });

    it('does not reach into calls that go on after its end, nor into units beside it', async () => {
      const late: { run?: () => void } = {};
      let later: Promise<unknown> = Promise.resolve();
      await cache.unitOfWork(() => {
        later = new Promise<void>((resolve) => (late.run = resolve)).then(() => cache.delete('a'));
      });
      late.run?.();
      expect(await later).toEqual({ durable: true });
      const [, other] = await Promise.allSettled([
        cache.unitOfWork(() => cache.delete('a')),
        cache.unitOfWork(async () => {
          await cache.delete('b');
          throw new Rollback();
        }),
      ]);
      expect(other.status).toBe('rejected');
      expect(cache.stats().cache_invalidations).toBe(2);
    });

    it('keeps a load that began before its end from being stored after it', async () => {
      let go = (): void => undefined;
      const loading = cache.getOrSet(
        'a',
        () => new Promise<number>((resolve) => (go = () => resolve(1))),
        { tags: ['row:a'] },
      );
      await new Promise((resolve) => setImmediate(resolve));
      await cache.unitOfWork(async () => {
        await cache.invalidate({ tags: ['row:a'] });
        rows.set('a', 2);
      });
      go();
      expect(await loading).toBe(1);
      expect(await read('a')).toBe(2);
    });
  });
});
