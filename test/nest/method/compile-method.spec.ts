import { Injectable } from '@nestjs/common';
import { isObservable, lastValueFrom, Observable, of, ReplaySubject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { createCache } from '../../../lib/create-cache.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { CachePut } from '../../../lib/nest/decorators/cache-put.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { CacheRegistry } from '../../../lib/nest/module/registry.js';
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

describe('a method that returns a Promise without being async', () => {
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

  it('runs after the evictions that come before it', async () => {
    @Injectable()
    class Ledger {
      cache: CacheService | undefined;
      readonly seen: Promise<unknown>[] = [];

      @CacheEvict({ keys: ['k'], timing: 'before' })
      post() {
        this.seen.push(this.cache?.get('k') ?? Promise.resolve());
        return Promise.all(this.seen);
      }

      @CacheEvict({ keys: ['k'], timing: 'both', returns: 'observable' })
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
});

describe('a method that returns an Observable without an emitted type', () => {
  const all = (stream: unknown): Promise<number[]> =>
    lastValueFrom((stream as Observable<number>).pipe(toArray()));

  it('returns a cached Observable with the option returns', async () => {
    @Injectable()
    class Streams {
      runs = 0;

      @Cacheable({ returns: 'observable' })
      one(id: number) {
        this.runs++;
        return of(id);
      }

      @Cacheable({ returns: 'observable' })
      several(id: number) {
        this.runs++;
        return of(id, id + 1);
      }

      @CacheEvict({ tags: ['t'], returns: 'observable' })
      evict(id: number) {
        return of(id, id + 1);
      }

      @CachePut({ key: 'k', returns: 'observable' })
      put(id: number) {
        return of(id);
      }
    }
    await using({ providers: [Streams] }, async ({ app }) => {
      const streams = app.get(Streams);
      for (let i = 0; i < 3; i++) {
        const one = streams.one(1);
        expect(isObservable(one)).toBe(true);
        expect(await all(one)).toEqual([1]);
        expect(await all(streams.several(1))).toEqual([1, 2]);
        expect(await all(streams.evict(1))).toEqual([1, 2]);
        expect(await all(streams.put(7))).toEqual([7]);
      }
      expect(await app.get(CacheService).get('k')).toBe(7);
      // Several values are never stored.
      expect(streams.runs).toBe(1 + 3);
    });
  });

  it('rejects without the option, and the error names the method and the option', async () => {
    @Injectable()
    class Unseen {
      @Cacheable()
      cached() {
        return of(1);
      }

      @CachePut({ key: 'k' })
      put() {
        return of(1);
      }

      @CacheEvict({ tags: ['t'] })
      evict() {
        return of(1);
      }
    }
    await using({ providers: [Unseen] }, async ({ app }) => {
      const unseen = app.get(Unseen);
      for (const [name, decorator] of [
        ['cached', '@Cacheable'],
        ['put', '@CachePut'],
        ['evict', '@CacheEvict'],
      ] as const) {
        await expect(unseen[name]()).rejects.toMatchObject({
          code: 'CACHE_DECORATOR',
          message: expect.stringMatching(
            new RegExp(
              `^Unseen\\.${name} returned an Observable.*${decorator}\\(\\{ returns: 'observable' \\}\\)`,
            ),
          ) as string,
        });
      }
    });
  });

  it('fails in the stream when a method with the option returns something else', async () => {
    @Injectable()
    class Wrong {
      @Cacheable({ returns: 'observable' })
      find() {
        return Promise.resolve(1);
      }
    }
    await using({ providers: [Wrong] }, async ({ app }) => {
      await expect(all(app.get(Wrong).find())).rejects.toMatchObject({
        code: 'CACHE_DECORATOR',
        message: expect.stringMatching(
          /^Wrong\.find returned an instance of Promise.*returns: 'observable'/,
        ) as string,
      });
    });
  });

  it('is not decorated with another value of the option', () => {
    const decorate = (): unknown => {
      class Wrong {
        @Cacheable({ returns: 'stream' as never })
        find() {
          return of(1);
        }
      }
      return Wrong;
    };
    expect(decorate).toThrow(
      /@Cacheable on Wrong\.find: returns must be 'observable'; got "?'?stream/,
    );
  });

  it('needs no option when its emitted type extends Observable', async () => {
    @Injectable()
    class Subjects {
      @Cacheable()
      find(): ReplaySubject<number> {
        const subject = new ReplaySubject<number>();
        subject.next(5);
        subject.complete();
        return subject;
      }
    }
    await using({ providers: [Subjects] }, async ({ app }) => {
      expect(await all(app.get(Subjects).find())).toEqual([5]);
    });
  });
});

describe('two applications in one process', () => {
  it('share no compiled method and no cache', async () => {
    @Injectable()
    class Reader {
      @Cacheable()
      async find(id: number): Promise<string> {
        return `${id} of ${Math.random()}`;
      }
    }
    await using({ providers: [Reader] }, async ({ app: first }) => {
      await using({ providers: [Reader] }, async ({ app: second }) => {
        const answers = [first, second, first, second].map((app) => app.get(Reader).find(1));
        const [a, b, c, d] = await Promise.all(answers);
        expect([c, d]).toEqual([a, b]);
        expect(a).not.toBe(b);
      });
    });
  });

  it('use the cache of the application that made the instance, also a later one', async () => {
    @Injectable()
    class Reader {
      runs = 0;

      @Cacheable({ cache: 'late' })
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Reader] }, async ({ app, log }) => {
      const reader = app.get(Reader);
      expect([await reader.find(), await reader.find()]).toEqual([1, 2]);
      expect(log.about("there is no cache 'late'")).toHaveLength(1);
      app.get(CacheRegistry).add(createCache({ name: 'late' }), false);
      expect([await reader.find(), await reader.find()]).toEqual([3, 3]);
    });
  });
});

describe('a method that is neither async nor returns an Observable', () => {
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
