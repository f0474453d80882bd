import { Injectable, NotFoundException } from '@nestjs/common';
import { lastValueFrom, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { CacheTTL } from '../../../lib/nest/decorators/cache-ttl.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { NoCache } from '../../../lib/nest/decorators/no-cache.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { using } from '../support.js';

describe('Cacheable', () => {
  it('@Cacheable returns what the method gives: errors unchanged and not stored, null stored, undefined not', async () => {
    const error = new NotFoundException('no such entry');
    @Injectable()
    class Answers {
      runs = 0;

      @Cacheable()
      async answer(of: string): Promise<string | null | undefined> {
        this.runs++;
        if (of === 'error') throw error;
        return of === 'null' ? null : undefined;
      }
    }
    await using({ providers: [Answers] }, async ({ app }) => {
      const answers = app.get(Answers);
      const runs = async (call: () => Promise<unknown>): Promise<unknown[]> => {
        answers.runs = 0;
        const results = [await call(), await call()];
        return [...results, answers.runs];
      };
      expect(await runs(() => answers.answer('null'))).toEqual([null, null, 1]);
      expect(await runs(() => answers.answer('undefined'))).toEqual([undefined, undefined, 2]);
      const [first, second, count] = await runs(() =>
        answers.answer('error').catch((thrown: unknown) => thrown),
      );
      expect([first === error, second === error, count]).toEqual([true, true, 2]);
      expect(error.getStatus()).toBe(404);
      answers.runs = 0;
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, () => answers.answer('error')),
      );
      expect(all.every((result) => result.status === 'rejected' && result.reason === error)).toBe(
        true,
      );
      expect(answers.runs).toBe(1);
    });
  });

  it('@Cacheable gives hits the same shape as misses', async () => {
    @Injectable()
    class Shapes {
      @Cacheable()
      async make(): Promise<object> {
        return {
          date: new Date(0),
          big: 1n,
          map: new Map([[1, 'a']]),
          set: new Set([1]),
          missing: undefined,
          nan: NaN,
          bytes: Uint8Array.of(1, 2),
        };
      }
    }
    await using({ providers: [Shapes] }, async ({ app }) => {
      const shapes = app.get(Shapes);
      expect(await shapes.make()).toStrictEqual(await shapes.make());
    });
  });

  it('@Cacheable gives every caller its own value', async () => {
    @Injectable()
    class Lists {
      @Cacheable()
      async list(): Promise<number[]> {
        return [1];
      }
    }
    await using({ providers: [Lists] }, async ({ app }) => {
      const lists = app.get(Lists);
      (await lists.list()).push(2);
      (await lists.list()).push(3);
      expect(await lists.list()).toEqual([1]);
    });
  });

  it('@Cacheable takes tags, conditions, and a ttl made from the value', async () => {
    @Injectable()
    class Conditional {
      runs = 0;

      @Cacheable({
        tags: (id) => [`id:${id}`],
        resultTags: (value, id) => [`value:${value}:${id}`],
        when: (id) => id !== 0,
        unless: (value, id) => value === 9 && id === 9,
        ttl: (value) => value * 1_000,
      })
      async find(id: number): Promise<number> {
        this.runs++;
        return id;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Conditional] },
      async ({ app }) => {
        const [conditional, cache] = [app.get(Conditional), app.get(CacheService)];
        const runsOf = async (id: number): Promise<number> => {
          conditional.runs = 0;
          await conditional.find(id);
          await conditional.find(id);
          return conditional.runs;
        };
        expect([await runsOf(0), await runsOf(9), await runsOf(2)]).toEqual([2, 2, 1]);
        for (const tag of ['id:2', 'value:2:2']) {
          await cache.invalidate({ tags: [tag] });
          expect(await runsOf(2)).toBe(1);
        }
        await clock.advance(1_999);
        expect(await runsOf(2)).toBe(0);
        await clock.advance(1);
        expect(await runsOf(2)).toBe(1);
      },
      { clock },
    );
  });

  it.each(['tags', 'resultTags', 'unless'] as const)(
    'makes %s anew for each call',
    async (option) => {
      @Injectable()
      class Each {
        runs = 0;

        @Cacheable({ tags: (id) => [`id:${id}`] })
        async tags(id: number): Promise<number> {
          this.runs++;
          return id;
        }

        @Cacheable({ resultTags: (_result, id) => [`id:${id}`] })
        async resultTags(id: number): Promise<number> {
          this.runs++;
          return id;
        }

        @Cacheable({ unless: (_result, id) => id === 2 })
        async unless(id: number): Promise<number> {
          this.runs++;
          return id;
        }
      }
      await using({ providers: [Each] }, async ({ app }) => {
        const [each, cache] = [app.get(Each), app.get(CacheService)];
        await each[option](1);
        await each[option](2);
        if (option !== 'unless') await cache.invalidate({ tags: ['id:2'] });
        each.runs = 0;
        await each[option](1);
        expect(each.runs).toBe(0);
        await each[option](2);
        expect(each.runs).toBe(1);
      });
    },
  );

  it('@Cacheable bypasses the cache when a callback throws, with one warning', async () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    @Injectable()
    class Broken {
      runs = 0;

      @Cacheable({ when: broken })
      async when(): Promise<number> {
        return ++this.runs;
      }

      @Cacheable({ tags: broken })
      async tags(): Promise<number> {
        return ++this.runs;
      }

      @Cacheable({ resultTags: broken })
      async resultTags(): Promise<number> {
        return ++this.runs;
      }

      @Cacheable({ unless: broken })
      async unless(): Promise<number> {
        return ++this.runs;
      }

      @Cacheable({ ttl: broken })
      async ttl(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Broken] }, async ({ app, log }) => {
      const instance = app.get(Broken);
      for (const method of ['when', 'tags', 'resultTags', 'unless', 'ttl'] as const) {
        instance.runs = 0;
        expect([await instance[method](), await instance[method]()]).toEqual([1, 2]);
      }
      expect(log.about('broken').length).toBeGreaterThanOrEqual(3);
      expect(log.about('Broken.when')).toHaveLength(1);
      expect(log.about('Broken.tags')).toHaveLength(1);
    });
  });

  it('@Cacheable rejects with the error of a key that cannot be made, without running the method', async () => {
    @Injectable()
    class Keys {
      runs = 0;

      @CacheKey(() => {
        throw new Error('no key');
      })
      @Cacheable()
      async throwing(): Promise<number> {
        return ++this.runs;
      }

      @Cacheable()
      async derived(_of: unknown): Promise<number> {
        return ++this.runs;
      }

      @CacheKey((key) => key.param('f', () => 1))
      @Cacheable()
      async part(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Keys] }, async ({ app }) => {
      const keys = app.get(Keys);
      await expect(keys.throwing()).rejects.toThrow('no key');
      await expect(keys.derived({ owner: Symbol('me') })).rejects.toMatchObject({
        code: 'CACHE_KEY',
        message: expect.stringContaining('argument "0.owner" is a symbol') as string,
      });
      await expect(keys.part()).rejects.toMatchObject({
        code: 'CACHE_KEY',
        message: expect.stringContaining('param "f" is a function') as string,
      });
      expect(keys.runs).toBe(0);
    });
  });

  it('@Cacheable fills in the segment that a key leaves out', async () => {
    @Injectable()
    class Forgetful {
      @CacheKey((key, id) => key.param('id', id))
      @Cacheable()
      async one(id: number): Promise<string> {
        return `one ${id}`;
      }

      @CacheKey((key, id) => key.param('id', id))
      @Cacheable()
      async two(id: number): Promise<string> {
        return `two ${id}`;
      }

      @CacheKey((key, tenant) => key.tenant(tenant))
      @Cacheable()
      async three(tenant: string): Promise<string> {
        return `three ${tenant}`;
      }
    }
    await using({ providers: [Forgetful] }, async ({ app }) => {
      const forgetful = app.get(Forgetful);
      expect([
        await forgetful.one(1),
        await forgetful.two(1),
        await forgetful.three('a'),
        await forgetful.three('b'),
      ]).toEqual(['one 1', 'two 1', 'three a', 'three b']);
    });
  });

  it('@Cacheable caches a stream of one value, and knows it by its return type', async () => {
    @Injectable()
    class Streams {
      runs = 0;

      @Cacheable()
      find(id: number): Observable<string> {
        return new Observable((subscriber) => {
          this.runs++;
          subscriber.next(`of ${id}`);
          subscriber.complete();
        });
      }
    }
    await using({ providers: [Streams] }, async ({ app }) => {
      const streams = app.get(Streams);
      const stream = streams.find(1);
      expect(stream).toBeInstanceOf(Observable);
      expect(streams.runs).toBe(0);
      expect([
        await lastValueFrom(stream),
        await lastValueFrom(stream),
        await lastValueFrom(streams.find(1)),
      ]).toEqual(['of 1', 'of 1', 'of 1']);
      expect(streams.runs).toBe(1);
      await expect(lastValueFrom(streams.find(Symbol('x') as never))).rejects.toMatchObject({
        code: 'CACHE_KEY',
      });
    });
  });

  it('@Cacheable takes its ttl from CacheTTL', async () => {
    @Injectable()
    class Timed {
      runs = 0;

      @CacheTTL('10s')
      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Timed] },
      async ({ app }) => {
        const timed = app.get(Timed);
        await timed.find();
        await clock.advance(9_999);
        expect(await timed.find()).toBe(1);
        await clock.advance(1);
        expect(await timed.find()).toBe(2);
      },
      { clock },
    );
  });

  it('@Cacheable is switched off by NoCache, which leaves evictions on', async () => {
    @Injectable()
    class Off {
      runs = 0;

      @NoCache()
      @Cacheable()
      @CacheEvict({ keys: ['k'] })
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Off] }, async ({ app }) => {
      await app.get(CacheService).set('k', 1);
      expect([await app.get(Off).find(), await app.get(Off).find()]).toEqual([1, 2]);
      expect(await app.get(CacheService).get('k')).toBeUndefined();
    });
  });

  it('@Cacheable never answers a read that starts after an eviction with an older value', async () => {
    @Injectable()
    class Race {
      value = 1;
      hold: Promise<void> | undefined;

      @Cacheable({ tags: ['race'] })
      async read(): Promise<number> {
        const { value } = this;
        await this.hold;
        return value;
      }

      @CacheEvict({ tags: ['race'] })
      async write(value: number): Promise<void> {
        this.value = value;
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
      await race.write(2);
      race.hold = undefined;
      expect(await race.read()).toBe(2);
      release();
      expect(await early).toBe(1);
      expect(await race.read()).toBe(2);
    });
  });
});
