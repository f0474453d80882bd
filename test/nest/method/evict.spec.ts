import { Injectable, NotFoundException } from '@nestjs/common';
import { lastValueFrom, Observable, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { CachePut } from '../../../lib/nest/decorators/cache-put.js';
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

  it('@CacheEvict acts after the method has succeeded, by default', async () => {
    await run(async (commands, cache) => {
      await cache.set('k', 'old');
      expect(await commands.after()).toBe('done');
      expect([commands.seen, await cache.get('k')]).toEqual(['old', undefined]);
    });
  });

  it('@CacheEvict acts before the method, or both before and after', async () => {
    await run(async (commands, cache) => {
      await cache.set('k', 'old');
      await commands.before();
      expect(commands.seen).toBeUndefined();
      await cache.set('k', 'old');
      await commands.both();
      expect([commands.seen, await cache.get('k')]).toEqual([undefined, undefined]);
    });
  });

  it('@CacheEvict does nothing after a failure, and the error is unchanged', async () => {
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

  it('@CacheEvict acts several times on one method', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('s').param('p', 1).build();
      await cache.set('k', 1);
      await cache.set('tagged', 1, { tags: ['t'] });
      await cache.set(key, 1);
      await commands.several();
      expect(await cache.getMany(['k', 'tagged', key])).toEqual([undefined, undefined, undefined]);
    });
  });

  it('@CacheEvict evicts one key, that of the option or of @CacheKey, or several', async () => {
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

  it('@CacheEvict evicts by tags, any of them or all', async () => {
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

  it('@CacheEvict evicts a segment, a tenant, or everything', async () => {
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

  it('@CacheEvict does nothing when its condition returns false, but acts when the condition throws', async () => {
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

  it('@CacheEvict fails the call when its callback throws, because the old values would stay', async () => {
    await run(async (commands, cache) => {
      await expect(commands.brokenTags()).rejects.toThrow('tags are broken');
      await cache.set('k', 1);
      await expect(commands.brokenKey({})).rejects.toMatchObject({ code: 'CACHE_KEY' });
    });
  });

  it('@CacheEvict fails the call before the method runs when its key can match no entry', async () => {
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

  it('@CacheEvict fills in the segment of the entries that the same method puts', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('entry').param('id', 1).build();
      await cache.set(key, 'old');
      await commands.putAndEvict({ id: 1 });
      expect(await cache.get(key)).toBeUndefined();
    });
  });

  it('@CacheEvict makes its key after the method, which may have completed its arguments', async () => {
    await run(async (commands, cache) => {
      const key = CacheKey.builder().segment('entry').param('id', 1).build();
      await cache.set(key, 'old');
      await commands.saved({});
      expect(await cache.get(key)).toBeUndefined();
    });
  });

  it('@CacheEvict does nothing when what it is to evict is an empty list', async () => {
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

  it('@CacheEvict fails the call when a callback gives nothing, or what is no list', async () => {
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

  it('@CacheEvict with allEntries evicts the tenant that calls, never others', async () => {
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

  it('@CacheEvict acts when a stream has completed, and not when it fails', async () => {
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
