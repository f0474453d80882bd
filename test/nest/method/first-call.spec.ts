import { Injectable } from '@nestjs/common';
import { isObservable, lastValueFrom, map, Observable, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { using } from '../support.js';

/** As query builders of Drizzle and Mongoose: it runs each time somebody waits for it. */
function lazy<T>(query: () => T): Promise<T> {
  const run = (): Promise<T> => Promise.resolve().then(query);
  const builder = {
    then: (onValue: (value: T) => unknown, onError: (error: unknown) => unknown) =>
      run().then(onValue, onError),
  };
  return builder as unknown as Promise<T>;
}

describe('the first call of a method of which nothing says what it returns', () => {
  it('runs a query once that runs whenever it is waited for', async () => {
    @Injectable()
    class Ledger {
      readonly rows: number[] = [];
      reads = 0;

      @CacheEvict({ tags: ['entries'] })
      post(cents: number) {
        return lazy(() => this.rows.push(cents));
      }

      @CacheEvict({ tags: ['entries'], timing: 'both' })
      postBetween(cents: number) {
        return lazy(() => this.rows.push(cents));
      }

      @Cacheable({ tags: ['entries'] })
      list() {
        return lazy(() => [++this.reads]);
      }
    }
    await using({ providers: [Ledger] }, async ({ app }) => {
      const ledger = app.get(Ledger);
      expect([
        await ledger.post(100),
        await ledger.post(200),
        await ledger.postBetween(300),
      ]).toEqual([1, 2, 3]);
      expect(ledger.rows).toEqual([100, 200, 300]);
      expect([await ledger.list(), await ledger.list()]).toEqual([[1], [1]]);
    });
  });

  it('is one production for a thousand callers, of each key', async () => {
    @Injectable()
    class Reader {
      readonly runs: number[] = [];

      @Cacheable()
      find(id: number) {
        this.runs.push(id);
        return Promise.resolve({ id });
      }
    }
    await using({ providers: [Reader] }, async ({ app }) => {
      const reader = app.get(Reader);
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, (_, i) => reader.find(i % 2)),
      );
      expect(answers.slice(0, 2)).toEqual([{ id: 0 }, { id: 1 }]);
      expect(new Set(answers).size).toBeGreaterThan(1);
      expect(await reader.find(0)).toEqual({ id: 0 });
      expect(reader.runs).toEqual([0, 1]);
    });
  });

  it('is not answered with what was produced before an eviction that is acknowledged', async () => {
    @Injectable()
    class Race {
      value = 1;
      hold: Promise<void> | undefined;

      @Cacheable({ tags: ['race'] })
      read() {
        const { value } = this;
        return Promise.resolve(this.hold).then(() => value);
      }
    }
    await using({ providers: [Race] }, async ({ app }) => {
      const race = app.get(Race);
      let release: () => void = () => undefined;
      race.hold = new Promise((resolve) => {
        release = resolve;
      });
      const early = race.read();
      await new Promise(setImmediate);
      race.value = 2;
      await app.get(CacheService).invalidate({ tags: ['race'] });
      const late = race.read();
      release();
      expect([await early, await late, await race.read()]).toEqual([1, 2, 2]);
    });
  });

  it('comes after the evictions that are to come before it', async () => {
    @Injectable()
    class Ledger {
      cache: CacheService | undefined;
      readonly seen: Promise<unknown>[] = [];

      @CacheEvict({ keys: ['k'], timing: 'before' })
      post() {
        this.seen.push(this.cache?.get('k') ?? Promise.resolve());
        return Promise.all(this.seen);
      }

      @CacheEvict({ keys: ['k'], timing: 'both' })
      stream() {
        return new Observable<unknown>((subscriber) => {
          void this.cache?.get('k').then((value) => {
            subscriber.next(value);
            subscriber.complete();
          });
        });
      }
    }
    await using({ providers: [Ledger] }, async ({ app }) => {
      const ledger = app.get(Ledger);
      const cache = app.get(CacheService);
      ledger.cache = cache;
      for (let i = 0; i < 2; i++) {
        await cache.set('k', 'old');
        expect((await ledger.post()).at(-1)).toBeUndefined();
        await cache.set('k', 'old');
        expect(await lastValueFrom(ledger.stream())).toBeUndefined();
        await cache.set('k', 'old');
        await lastValueFrom(ledger.stream());
        expect(await cache.get('k')).toBeUndefined();
      }
    });
  });

  it('can be waited for and subscribed to, whichever it turns out to be', async () => {
    @Injectable()
    class Either {
      runs = 0;

      @Cacheable()
      one(id: number) {
        this.runs++;
        return of(id);
      }

      @Cacheable()
      several(id: number) {
        this.runs++;
        return of(id, id + 1);
      }

      @Cacheable()
      promise(id: number) {
        this.runs++;
        return Promise.resolve(id);
      }

      @CacheEvict({ tags: ['t'] })
      evict(id: number) {
        return of(id, id + 1);
      }
    }
    await using({ providers: [Either] }, async ({ app }) => {
      const either = app.get(Either);
      const all = (stream: Observable<number>): Promise<number[]> =>
        lastValueFrom(
          stream.pipe(
            map((value) => value * 10),
            toArray(),
          ),
        );
      for (let i = 0; i < 3; i++) {
        const one = either.one(1);
        expect(isObservable(one)).toBe(true);
        expect(await all(one)).toEqual([10]);
        expect(await all(either.several(1))).toEqual([10, 20]);
        expect(await all(either.evict(1))).toEqual([10, 20]);
      }
      // Several values are never kept.
      expect(either.runs).toBe(1 + 3);
      const promise: unknown = either.promise(1);
      expect(isObservable(promise)).toBe(true);
      expect(await Promise.all([promise, all(promise as Observable<number>)])).toEqual([1, [10]]);
      expect(isObservable(either.promise(1))).toBe(false);
    });
  });

  it('rejects when the method is synchronous, and so do all others', async () => {
    @Injectable()
    class Wrong {
      runs = 0;

      @Cacheable()
      neither(_id: number): Promise<number> {
        this.runs++;
        return 5 as never;
      }

      @Cacheable()
      throwing() {
        if (this.runs >= 0) throw new RangeError('as thrown');
        return Promise.resolve(1);
      }
    }
    Reflect.deleteMetadata('design:returntype', Wrong.prototype, 'neither');
    await using({ providers: [Wrong] }, async ({ app }) => {
      const wrong = app.get(Wrong);
      for (let i = 0; i < 2; i++) {
        await expect(wrong.neither(1)).rejects.toMatchObject({
          code: 'CACHE_DECORATOR',
          message: expect.stringMatching(
            /^Wrong\.neither returned a number.*Make the method async/,
          ) as string,
        });
        await expect(wrong.throwing()).rejects.toThrow(RangeError);
      }
      expect(wrong.runs).toBe(2);
    });
  });
});
