import { Injectable, NotFoundException } from '@nestjs/common';
import { defer, lastValueFrom, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { CachePut } from '../../../lib/nest/decorators/cache-put.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { using } from '../support.js';

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

  it('@CachePut replaces what the cached method would answer, with its tags', async () => {
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

  it('@CachePut leaves no old value when the new one cannot be described', async () => {
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

  it('@CachePut deletes where it cannot store, when the method changes what its key is made of', async () => {
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
        expect.stringContaining('has changed the arguments that its key is made of'),
      ]);
    });
  });

  it('@CachePut always runs the method', async () => {
    await run(async (accounts) => {
      expect([(await accounts.rename(1, 'a')).name, (await accounts.rename(1, 'b')).name]).toEqual([
        'a',
        'b',
      ]);
    });
  });

  it('@CachePut does not fail the call when the result cannot be stored, and the old value is gone', async () => {
    await run(async (accounts, _cache, lines) => {
      await accounts.find(1);
      expect(await accounts.unstorable(1)).toMatchObject({ id: 1 });
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
      expect(lines).toEqual([expect.stringMatching(/^warn: .*@CachePut.*Accounts\.unstorable/)]);
    });
  });

  it('@CachePut removes the old value when the result is undefined, and keeps it when the method fails', async () => {
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

  it('@CachePut keeps the last value of a stream', async () => {
    await run(async (accounts) => {
      await lastValueFrom(accounts.stream(1));
      expect(await accounts.find(1)).toEqual({ id: 1, name: 'last' });
    });
  });

  it('@CachePut does nothing when its condition says no', async () => {
    await run(async (accounts) => {
      await accounts.find(1);
      await accounts.perhaps(1, false);
      expect((await accounts.find(1)).name).toBe('found');
      await accounts.perhaps(1, true);
      expect((await accounts.find(1)).name).toBe('perhaps');
    });
  });

  it('@CachePut leaves no old value when the result is not to be stored', async () => {
    await run(async (accounts) => {
      await accounts.find(1);
      await accounts.secret(1);
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
    });
  });

  it('@CachePut leaves no old value when a callback is broken', async () => {
    await run(async (accounts, _cache, lines) => {
      await accounts.find(1);
      expect((await accounts.broken(1)).name).toBe('broken');
      await accounts.find(1);
      expect(accounts.finds).toBe(2);
      expect(lines).toEqual([expect.stringMatching(/^warn: .*Accounts\.broken.*tags are broken/)]);
    });
  });
});
