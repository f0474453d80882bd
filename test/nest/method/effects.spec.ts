import { Injectable, NotFoundException } from '@nestjs/common';
import { defer, lastValueFrom, Observable, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { CachePut } from '../../../lib/nest/decorators/cache-put.js';
import { CacheTTL } from '../../../lib/nest/decorators/cache-ttl.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { NoCache } from '../../../lib/nest/decorators/no-cache.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { using } from '../support.js';

describe('CacheEvict', () => {
  @Injectable()
  class Commands {
    cache: CacheService | undefined;
    fails = false;
    seen: unknown;

    private async work(): Promise<string> {
      this.seen = await this.cache?.get('k');
      if (this.fails) throw new NotFoundException('gone');
      return 'done';
    }

    @CacheEvict({ keys: ['k'] })
    async after(): Promise<string> {
      return this.work();
    }

    @CacheEvict({ keys: ['k'], timing: 'before' })
    async before(): Promise<string> {
      return this.work();
    }

    @CacheEvict({ keys: ['k'], timing: 'both' })
    async both(): Promise<string> {
      const answer = await this.work();
      await this.cache?.set('k', 'meanwhile');
      return answer;
    }

    @CacheEvict({ keys: ['k'] })
    @CacheEvict({ tags: ['t'] })
    @CacheEvict({ segment: 's' })
    async several(): Promise<void> {}

    @CacheEvict({ key: (key, id) => key.segment('entry').param('id', id) })
    async byKey(_id: number): Promise<void> {}

    @CacheEvict()
    @CacheKey((key, id) => key.segment('entry').param('id', id))
    async byCacheKey(_id: number): Promise<void> {}

    @CacheEvict({
      keys: (...ids) =>
        ids.map((id) => CacheKey.builder().segment('entry').param('id', id).build()),
    })
    async byKeys(..._ids: number[]): Promise<void> {}

    @CacheEvict({ tags: (account) => [`account:${account}`, 'all'] })
    async byTags(_account: number): Promise<void> {}

    @CacheEvict({ tags: ['a', 'b'], match: 'all' })
    async byAllTags(): Promise<void> {}

    @CacheEvict({ segment: (name) => name })
    async bySegment(_name: string): Promise<void> {}

    @CacheEvict({ tenant: (tenant) => tenant })
    async byTenant(_tenant: string): Promise<void> {}

    @CacheEvict({ allEntries: true })
    async everything(): Promise<void> {}

    @CacheEvict({ allEntries: true, tenant: (tenant) => tenant })
    async everythingOf(_tenant: string): Promise<void> {}

    @CacheEvict({ keys: ['k'], when: (really) => really })
    async perhaps(_really: boolean): Promise<void> {}

    @CacheEvict({
      keys: ['k'],
      when: () => {
        throw new Error('when is broken');
      },
    })
    async brokenWhen(): Promise<string> {
      return 'done';
    }

    @CacheEvict({
      tags: () => {
        throw new Error('tags are broken');
      },
    })
    async brokenTags(): Promise<void> {}

    @CacheEvict({ key: (key, of) => key.param('of', () => of) })
    async brokenKey(_of: object): Promise<void> {}

    runs = 0;

    @CacheEvict({ key: (key, id) => key.param('id', id) })
    async noSegment(_id: number): Promise<void> {
      this.runs++;
    }

    @CacheEvict()
    @CacheKey((key, id) => key.tenant('acme').param('id', id).build())
    async noSegmentByCacheKey(_id: number): Promise<void> {
      this.runs++;
    }

    @CacheEvict()
    @CachePut({ name: 'entry', resultTags: () => ['put'] })
    @CacheKey((key, entry) => key.param('id', entry.id))
    async putAndEvict(entry: { id: number }): Promise<{ id: number }> {
      return entry;
    }

    @CacheEvict({
      key: (key, entry) => key.segment('entry').param('id', entry.id ?? Symbol('none yet')),
    })
    async saved(entry: { id?: number }): Promise<void> {
      entry.id = 1;
    }

    @CacheEvict({ keys: (...ids) => ids.map(String), tags: () => [], tenant: () => 'acme' })
    async removeAll(..._ids: number[]): Promise<string> {
      return 'done';
    }

    @CacheEvict({ tags: (...ids) => ids.map(String), match: 'all' })
    async touchAll(..._ids: number[]): Promise<string> {
      return 'done';
    }

    @CacheEvict({ tags: (tags) => tags as string[] })
    async byComputed(_tags: unknown): Promise<void> {}

    @CacheEvict({ segment: (segment) => segment as string, tenant: 'acme' })
    async byComputedSegment(_segment: unknown): Promise<void> {}

    @CacheEvict({ tags: ['t'] })
    stream(): Observable<string> {
      return of('a', 'b');
    }

    @CacheEvict({ tags: ['t'] })
    failingStream(): Observable<string> {
      return throwError(() => new NotFoundException('gone'));
    }
  }

  const run = (
    task: (commands: Commands, cache: CacheService, lines: string[]) => Promise<void>,
  ): Promise<void> =>
    using({ providers: [Commands] }, async ({ app, log }) => {
      const commands = app.get(Commands);
      const cache = app.get(CacheService);
      commands.cache = cache;
      await task(commands, cache, log.lines);
    });

  it('acts after the method has succeeded, by default', async () => {
    await run(async (commands, cache) => {
      await cache.set('k', 'old');
      expect(await commands.after()).toBe('done');
      expect([commands.seen, await cache.get('k')]).toEqual(['old', undefined]);
    });
  });

  it('acts before the method, or both before and after', async () => {
    await run(async (commands, cache) => {
      await cache.set('k', 'old');
      await commands.before();
      expect(commands.seen).toBeUndefined();
      await cache.set('k', 'old');
      await commands.both();
      expect([commands.seen, await cache.get('k')]).toEqual([undefined, undefined]);
    });
  });

  it('does nothing after a failure, and the error is unchanged', async () => {
    await run(async (commands, cache) => {
      commands.fails = true;
      await cache.set('k', 'old');
      const error: unknown = await commands.after().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(NotFoundException);
      expect((error as NotFoundException).getStatus()).toBe(404);
      expect(await cache.get('k')).toBe('old');
      await expect(commands.before()).rejects.toBeInstanceOf(NotFoundException);
      expect(await cache.get('k')).toBeUndefined();
    });
  });

  it('acts several times on one method', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('s').param('p', 1).build();
      await cache.set('k', 1);
      await cache.set('tagged', 1, { tags: ['t'] });
      await cache.set(key, 1);
      await commands.several();
      expect(await cache.getMany(['k', 'tagged', key])).toEqual([undefined, undefined, undefined]);
    });
  });

  it('means one key, that of the option or of CacheKey, or several', async () => {
    await run(async (commands, cache) => {
      const keys = [1, 2, 3].map((id) =>
        CacheKey.builder().segment('entry').param('id', id).build(),
      );
      const fill = (): Promise<unknown> => cache.setMany(keys.map((key) => [key, 'old'] as const));
      await fill();
      await commands.byKey(1);
      expect(await cache.getMany(keys)).toEqual([undefined, 'old', 'old']);
      await fill();
      await commands.byCacheKey(2);
      expect(await cache.getMany(keys)).toEqual(['old', undefined, 'old']);
      await fill();
      await commands.byKeys(1, 3);
      expect(await cache.getMany(keys)).toEqual([undefined, 'old', undefined]);
    });
  });

  it('means tags, any of them or all', async () => {
    await run(async (commands, cache) => {
      const fill = async (): Promise<void> => {
        await cache.set('1', 1, { tags: ['account:1', 'a'] });
        await cache.set('2', 2, { tags: ['account:2', 'a', 'b'] });
        await cache.set('3', 3, { tags: ['all'] });
      };
      await fill();
      await commands.byTags(1);
      expect(await cache.getMany(['1', '2', '3'])).toEqual([undefined, 2, undefined]);
      await fill();
      await commands.byAllTags();
      expect(await cache.getMany(['1', '2', '3'])).toEqual([1, undefined, 3]);
    });
  });

  it('means a segment, a tenant, or everything', async () => {
    await run(async (commands, cache) => {
      const keys = [
        CacheKey.builder().tenant('a').segment('s').param('p', 1).build(),
        CacheKey.builder().tenant('b').segment('s').param('p', 1).build(),
        CacheKey.builder().segment('s').param('p', 1).build(),
      ];
      const after = async (command: Promise<void>): Promise<unknown[]> => {
        await command;
        const values = await cache.getMany(keys);
        await cache.setMany(keys.map((key) => [key, 1] as const));
        return values;
      };
      await after(Promise.resolve());
      expect(await after(commands.bySegment('s'))).toEqual([1, 1, undefined]);
      expect(await after(commands.byTenant('a'))).toEqual([undefined, 1, 1]);
      expect(await after(commands.everythingOf('b'))).toEqual([1, undefined, 1]);
      expect(await after(commands.everything())).toEqual([undefined, undefined, undefined]);
    });
  });

  it('does nothing when its condition says no, but acts when the condition is broken', async () => {
    await run(async (commands, cache, lines) => {
      await cache.set('k', 1);
      await commands.perhaps(false);
      expect(await cache.get('k')).toBe(1);
      await commands.perhaps(true);
      expect(await cache.get('k')).toBeUndefined();
      await cache.set('k', 1);
      expect(await commands.brokenWhen()).toBe('done');
      expect(await cache.get('k')).toBeUndefined();
      expect(lines).toEqual([
        expect.stringMatching(/^warn: .*when.*Commands\.brokenWhen.*when is broken/),
      ]);
    });
  });

  it('fails the call when it cannot be known what is to be evicted: in silence the old values would stay', async () => {
    await run(async (commands, cache) => {
      await expect(commands.brokenTags()).rejects.toThrow('tags are broken');
      await cache.set('k', 1);
      await expect(commands.brokenKey({})).rejects.toMatchObject({ code: 'CACHE_KEY' });
    });
  });

  it("fails the call before the method has run when its key can be nobody's", async () => {
    await run(async (commands) => {
      for (const call of [commands.noSegment(1), commands.noSegmentByCacheKey(1)]) {
        await expect(call).rejects.toMatchObject({
          code: 'CACHE_KEY',
          message: expect.stringMatching(
            /^The key of @CacheEvict on Commands\.noSegment\w* names no segment/,
          ) as string,
        });
      }
      expect(commands.runs).toBe(0);
    });
  });

  it('fills in the segment of the entries that the same method puts', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('entry').param('id', 1).build();
      await cache.set(key, 'old');
      await commands.putAndEvict({ id: 1 });
      expect(await cache.get(key)).toBeUndefined();
    });
  });

  it('makes its key after the method, which may have completed its arguments', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('entry').param('id', 1).build();
      await cache.set(key, 'old');
      await commands.saved({});
      expect(await cache.get(key)).toBeUndefined();
    });
  });

  it('does nothing when what it is to evict is an empty list', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().tenant('acme').segment('s').build();
      await cache.set(key, 1, { tags: ['1'] });
      expect([await commands.removeAll(), await commands.touchAll()]).toEqual(['done', 'done']);
      expect(await cache.get(key)).toBe(1);
      expect(cache.stats().cache_invalidations).toBe(1);
      await cache.set('1', 1, { tags: ['1'] });
      await commands.touchAll(1);
      expect(await cache.get('1')).toBeUndefined();
    });
  });

  it('fails the call when a callback gives nothing, or what is no list', async () => {
    await run(async (commands) => {
      await expect(commands.byComputed(undefined)).rejects.toThrow(
        /^tags of @CacheEvict on Commands\.byComputed gave nothing/,
      );
      await expect(commands.byComputed('account')).rejects.toThrow(
        /must give a list; got a string/,
      );
      await expect(commands.byComputedSegment(null)).rejects.toThrow(
        /^segment of @CacheEvict on Commands\.byComputedSegment gave nothing/,
      );
    });
  });

  it('means all entries of the tenant that calls, never those of others', async () => {
    let tenant: string | undefined;
    const keys = ['acme', 'other'].map((name) =>
      CacheKey.builder().tenant(name).segment('s').build(),
    );
    for (const tenancy of ['required', 'optional'] as const) {
      await using(
        { providers: [Commands] },
        async ({ app }) => {
          const cache = app.get(CacheService);
          const commands = app.get(Commands);
          const left = async (evict: () => Promise<unknown>): Promise<unknown[]> => {
            await cache.setMany(keys.map((key) => [key, 1] as const));
            await evict().catch(() => undefined);
            return cache.getMany(keys);
          };
          tenant = 'acme';
          expect(await left(() => commands.everything())).toEqual([undefined, 1]);
          expect(await left(() => commands.everythingOf('other'))).toEqual([1, undefined]);
          expect(await left(() => commands.everythingOf(undefined as never))).toEqual([1, 1]);
          await expect(commands.everythingOf(undefined as never)).rejects.toThrow(
            /^tenant of @CacheEvict on Commands\.everythingOf gave nothing/,
          );
          tenant = undefined;
          expect(await left(() => commands.everything())).toEqual(
            tenancy === 'required' ? [1, 1] : [undefined, undefined],
          );
          if (tenancy === 'required')
            await expect(commands.everything()).rejects.toThrow(
              /on Commands\.everything has no tenant/,
            );
        },
        { tenancy, tenant: () => tenant },
      );
    }
  });

  it('acts when a stream has completed, and not when it fails', async () => {
    await run(async (commands, cache) => {
      await cache.set('k', 1, { tags: ['t'] });
      const stream = commands.stream();
      expect(await cache.get('k')).toBe(1);
      expect(await lastValueFrom(stream.pipe(toArray()))).toEqual(['a', 'b']);
      expect(await cache.get('k')).toBeUndefined();
      await cache.set('k', 1, { tags: ['t'] });
      await expect(lastValueFrom(commands.failingStream())).rejects.toBeInstanceOf(
        NotFoundException,
      );
      expect(await cache.get('k')).toBe(1);
    });
  });
});

describe('CachePut', () => {
  interface Account {
    readonly id: number;
    readonly name: string;
  }
  @Injectable()
  class Accounts {
    finds = 0;

    @Cacheable({ name: 'account' })
    async find(id: number): Promise<Account> {
      this.finds++;
      return { id, name: 'found' };
    }

    @CachePut({
      name: 'account',
      key: (key, id) => key.segment('account').param('0', id),
      tags: (id) => [`a:${id}`],
      resultTags: (account) => [account.name],
    })
    async rename(id: number, name: string): Promise<Account> {
      return { id, name };
    }

    @CachePut({ key: (key, id) => key.segment('account').param('0', id) })
    async unstorable(id: number): Promise<{ id: number; close: () => void }> {
      return { id, close: () => undefined };
    }

    @CachePut({ key: (key, id) => key.segment('account').param('0', id) })
    async failing(_id: number): Promise<Account> {
      throw new NotFoundException('gone');
    }

    @CachePut({ key: (key, id) => key.segment('account').param('0', id) })
    async nothing(_id: number): Promise<Account | undefined> {
      return undefined;
    }

    @CachePut({ key: (key, id) => key.segment('account').param('0', id) })
    stream(id: number): Observable<Account> {
      return of({ id, name: 'first' }, { id, name: 'last' });
    }

    @CachePut({
      key: (key, id) => key.segment('account').param('0', id),
      when: (_id, really) => really,
    })
    async perhaps(id: number, _really: boolean): Promise<Account> {
      return { id, name: 'perhaps' };
    }

    @CachePut({
      key: (key, id) => key.segment('account').param('0', id),
      unless: (account) => account.name === 'secret',
    })
    async secret(id: number): Promise<Account> {
      return { id, name: 'secret' };
    }

    @CachePut({
      key: (key, id) => key.segment('account').param('0', id),
      tags: () => {
        throw new Error('tags are broken');
      },
    })
    async broken(id: number): Promise<Account> {
      return { id, name: 'broken' };
    }
  }

  const run = (
    task: (accounts: Accounts, cache: CacheService, lines: string[]) => Promise<void>,
  ): Promise<void> =>
    using({ providers: [Accounts] }, async ({ app, log }) => {
      await task(app.get(Accounts), app.get(CacheService), log.lines);
    });

  it('replaces what the cached method would answer, with its tags', async () => {
    await run(async (accounts, cache) => {
      await accounts.find(1);
      expect(await accounts.rename(1, 'new')).toEqual({ id: 1, name: 'new' });
      expect(await accounts.find(1)).toEqual({ id: 1, name: 'new' });
      expect(accounts.finds).toBe(1);
      for (const tag of ['a:1', 'new']) {
        await accounts.rename(1, 'new');
        await cache.invalidate({ tags: [tag] });
        expect(await accounts.find(1)).toEqual({ id: 1, name: 'found' });
      }
    });
  });

  it.each(['key', 'tag'] as const)(
    'does not undo an invalidation of its %s that came while the method ran',
    async (what) => {
      let row = 'v1';
      let finish: () => void = () => undefined;
      @Injectable()
      class Rows {
        @CachePut({ key: 'row', tags: ['rows'] })
        async save(): Promise<string> {
          return this.work();
        }

        @CachePut({ key: 'row', tags: ['rows'] })
        stream(): Observable<string> {
          return defer(() => this.work());
        }

        @CachePut({ key: 'row', tags: ['rows'] })
        untyped() {
          return this.work();
        }

        private async work(): Promise<string> {
          const seen = row;
          await new Promise<void>((resolve) => (finish = resolve));
          return seen;
        }
      }
      await using({ providers: [Rows] }, async ({ app }) => {
        const [rows, cache] = [app.get(Rows), app.get(CacheService)];
        const saves = [
          () => rows.save(),
          () => lastValueFrom(rows.stream()),
          () => rows.untyped(),
          () => rows.untyped(),
        ];
        for (const save of saves) {
          row = 'v1';
          const slow = save();
          await new Promise(setImmediate);
          row = 'v2';
          await cache.invalidate(what === 'key' ? { keys: ['row'] } : { tags: ['rows'] });
          finish();
          expect(await slow).toBe('v1');
          expect(await cache.getOrSet('row', async () => row, { tags: ['rows'] })).toBe('v2');
        }
      });
    },
  );

  it('leaves no old value when the new one cannot be described', async () => {
    @Injectable()
    class Rows {
      @CachePut({
        key: 'row',
        resultTags: (count) => Array.from({ length: count }, (_, i) => `t${i}`),
      })
      async tags(count: number): Promise<number> {
        return count;
      }

      @CachePut({ key: 'row', ttl: () => -1 })
      async ttl(count: number): Promise<number> {
        return count;
      }

      @CachePut({ key: 'row', tags: () => [''] })
      async empty(count: number): Promise<number> {
        return count;
      }
    }
    await using({ providers: [Rows] }, async ({ app, log }) => {
      const [rows, cache] = [app.get(Rows), app.get(CacheService)];
      for (const save of [() => rows.tags(65), () => rows.ttl(65), () => rows.empty(65)]) {
        await rows.tags(5);
        expect(await cache.get('row')).toBe(5);
        expect(await save()).toBe(65);
        expect(await cache.get('row')).toBeUndefined();
      }
      expect(log.lines).toEqual(
        ['tags', 'ttl', 'empty'].map((name) => expect.stringContaining(`Rows.${name}`) as string),
      );
    });
  });

  it('deletes where it cannot store, when the method changes what its key is made of', async () => {
    @Injectable()
    class Rows {
      @CachePut({ key: (key, row) => key.segment('row').param('id', row.id ?? null) })
      async insert(row: { id?: number }, id: number): Promise<number> {
        row.id = id;
        return id;
      }
    }
    await using({ providers: [Rows] }, async ({ app, log }) => {
      const [rows, cache] = [app.get(Rows), app.get(CacheService)];
      const keyOf = (id: number) => cache.key().segment('row').param('id', id).build();
      for (const id of [1, 2]) await cache.set(keyOf(id), 'old');
      await rows.insert({}, 1);
      await rows.insert({ id: 2 }, 1);
      expect(await cache.getMany([keyOf(1), keyOf(2)])).toEqual([undefined, undefined]);
      await rows.insert({ id: 2 }, 2);
      expect(await cache.getMany([keyOf(1), keyOf(2)])).toEqual([undefined, 2]);
      expect(log.about('Rows.insert')).toEqual([
        expect.stringContaining('has changed what its key is made of'),
      ]);
    });
  });

  it('always runs the method', async () => {
    await run(async (accounts) => {
      expect([(await accounts.rename(1, 'a')).name, (await accounts.rename(1, 'b')).name]).toEqual([
        'a',
        'b',
      ]);
    });
  });

  it('does not fail the call when the result cannot be stored, and the old value is gone', async () => {
    await run(async (accounts, _cache, lines) => {
      await accounts.find(1);
      expect(await accounts.unstorable(1)).toMatchObject({ id: 1 });
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
      expect(lines).toEqual([expect.stringMatching(/^warn: .*@CachePut.*Accounts\.unstorable/)]);
    });
  });

  it('removes the old value when the result is undefined, and keeps it when the method fails', async () => {
    await run(async (accounts) => {
      await accounts.find(1);
      await expect(accounts.failing(1)).rejects.toBeInstanceOf(NotFoundException);
      await accounts.find(1);
      expect(accounts.finds).toBe(1);
      await accounts.nothing(1);
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
    });
  });

  it('keeps the last value of a stream', async () => {
    await run(async (accounts) => {
      await lastValueFrom(accounts.stream(1));
      expect(await accounts.find(1)).toEqual({ id: 1, name: 'last' });
    });
  });

  it('does nothing when its condition says no', async () => {
    await run(async (accounts) => {
      await accounts.find(1);
      await accounts.perhaps(1, false);
      expect((await accounts.find(1)).name).toBe('found');
      await accounts.perhaps(1, true);
      expect((await accounts.find(1)).name).toBe('perhaps');
    });
  });

  it('leaves no old value when the result is not to be stored', async () => {
    await run(async (accounts) => {
      await accounts.find(1);
      await accounts.secret(1);
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
    });
  });

  it('leaves no old value when a callback is broken', async () => {
    await run(async (accounts, _cache, lines) => {
      await accounts.find(1);
      expect((await accounts.broken(1)).name).toBe('broken');
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
      expect(lines).toEqual([expect.stringMatching(/^warn: .*Accounts\.broken.*tags are broken/)]);
    });
  });
});

describe('Cacheable', () => {
  it('returns what the method gives: errors unchanged and not stored, null stored, undefined not', async () => {
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

  it('gives hits the shape that misses have', async () => {
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

  it('gives every caller a value of his own', async () => {
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

  it('takes tags, conditions, and a ttl made from the value', async () => {
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

  it('goes past the cache when a callback throws, with one warning', async () => {
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

  it('rejects with the error of a key that cannot be made, without running the method', async () => {
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

  it('fills in the segment that a key leaves out', async () => {
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

  it('caches a stream of one value, and knows it by its return type', async () => {
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

  it('learns from the first call what a method returns that does not say it', async () => {
    const untyped = <T>(method: T): T => method;
    @Injectable()
    class Untyped {
      runs = 0;

      @Cacheable()
      promise(id: number) {
        this.runs++;
        return Promise.resolve(id);
      }

      @Cacheable()
      stream(id: number) {
        this.runs++;
        return of(id);
      }

      @Cacheable()
      neither(id: number) {
        return untyped<Promise<number>>(id as never);
      }
    }
    await using({ providers: [Untyped] }, async ({ app }) => {
      const instance = app.get(Untyped);
      expect([
        await instance.promise(1),
        await instance.promise(1),
        await instance.promise(1),
      ]).toEqual([1, 1, 1]);
      expect(instance.runs).toBe(1);
      instance.runs = 0;
      expect(await lastValueFrom(instance.stream(1))).toBe(1);
      expect(await lastValueFrom(instance.stream(1))).toBe(1);
      expect(await lastValueFrom(instance.stream(1))).toBe(1);
      expect(instance.runs).toBe(1);
      await expect(instance.neither(1)).rejects.toThrow(
        /Untyped\.neither returned a number.*Make the method async/,
      );
    });
  });

  it('takes its ttl from CacheTTL', async () => {
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

  it('is switched off by NoCache, which leaves evictions on', async () => {
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

  it('never answers a read that starts after an eviction with an older value', async () => {
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
