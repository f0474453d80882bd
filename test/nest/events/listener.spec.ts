import { Injectable, Module, type Type } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type ICommandHandler,
  type IEventHandler,
  QueryBus,
  QueryHandler,
} from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { describe, expect, it } from 'vitest';
import {
  Cacheable,
  CacheEvict,
  CacheKey,
  CacheModule,
  CacheService,
  InvalidatesCache,
  on,
} from '../../../lib/index.js';
import { AwaitInvalidations, CacheInvalidated } from '../../../lib/cqrs.js';
import { start, using } from '../support.js';

class EntryPosted {
  constructor(
    readonly account: number,
    readonly cents: number,
  ) {}
}
class FindBalance {
  constructor(readonly account: number) {}
}
class PostEntry {
  constructor(
    readonly account: number,
    readonly cents: number,
  ) {}
}

@Injectable()
class Rows {
  readonly cents = new Map<number, number>();
}

@InvalidatesCache(EntryPosted, (event) => ({ tags: [`account:${String(event.account)}`] }))
@QueryHandler(FindBalance)
class FindBalanceHandler {
  runs = 0;
  constructor(readonly rows: Rows) {}

  @Cacheable({ tags: (query) => [`account:${String(query.account)}`] })
  @CacheKey((key, query) => key.param('account', query.account))
  async execute(query: FindBalance): Promise<number> {
    this.runs++;
    return this.rows.cents.get(query.account) ?? 0;
  }
}

@CommandHandler(PostEntry)
class PostEntryHandler implements ICommandHandler<PostEntry> {
  constructor(
    readonly rows: Rows,
    readonly events: EventBus,
  ) {}

  @AwaitInvalidations()
  async execute({ account, cents }: PostEntry): Promise<void> {
    this.rows.cents.set(account, (this.rows.cents.get(account) ?? 0) + cents);
    this.events.publish(new EntryPosted(account, cents));
  }
}

/** A backend whose deletes and group changes take a while, so that who does not wait is seen. */
function slowBackend(): {
  get(): Promise<undefined>;
  set(): Promise<void>;
  delete(): Promise<void>;
  deleted: number;
} {
  return {
    deleted: 0,
    get: () => Promise.resolve(undefined),
    set: () => Promise.resolve(),
    async delete() {
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.deleted++;
    },
  };
}

describe('domain events', () => {
  it('domain events published on the EventBus invalidate what @InvalidatesCache says, so that the caller of a command reads its own write', async () => {
    await using(
      { imports: [CqrsModule.forRoot()], providers: [Rows, FindBalanceHandler, PostEntryHandler] },
      async ({ app, log }) => {
        const [commands, queries] = [app.get(CommandBus), app.get(QueryBus)];
        expect(await queries.execute(new FindBalance(7))).toBe(0);
        expect(await queries.execute(new FindBalance(8))).toBe(0);
        for (let i = 1; i <= 3; i++) {
          await commands.execute(new PostEntry(7, 100));
          expect(await queries.execute(new FindBalance(7))).toBe(100 * i);
          expect(await queries.execute(new FindBalance(8))).toBe(0);
        }
        expect(
          app.get(FindBalanceHandler).runs,
          'only the account of the event was produced again',
        ).toBe(5);
        expect(log.lines).toEqual([]);
      },
    );
  });

  it('domain events make a command with @AwaitInvalidations wait until the backend has acknowledged, one without not', async () => {
    @EventsHandler(EntryPosted)
    class OwnHandler implements IEventHandler<EntryPosted> {
      constructor(readonly cache: CacheService) {}
      handle(): void {
        void this.cache.delete('report');
      }
    }
    class PostQuietly extends PostEntry {}
    @CommandHandler(PostQuietly)
    class NotWaiting {
      constructor(readonly events: EventBus) {}
      async execute(): Promise<void> {
        this.events.publish(new EntryPosted(1, 1));
      }
    }
    const backend = slowBackend();
    const providers = [Rows, PostEntryHandler, NotWaiting, OwnHandler];
    await using(
      { imports: [CqrsModule.forRoot()], providers },
      async ({ app }) => {
        await app.get(CommandBus).execute(new PostQuietly(1, 1));
        expect(backend.deleted).toBe(0);
        await app.get(CommandBus).execute(new PostEntry(1, 1));
        // The one of the handler, and the one of the option; and those of the first command, which
        // had begun before.
        expect(backend.deleted).toBe(4);
      },
      { backend, invalidations: [on(EntryPosted, () => ({ keys: ['list'] }))] },
    );
  });

  it('domain events emitted by @nestjs/event-emitter are heard under any name, and emitAsync waits', async () => {
    const backend = slowBackend();
    await using(
      { imports: [EventEmitterModule.forRoot()] },
      async ({ app }) => {
        const emitter = app.get(EventEmitter2);
        await emitter.emitAsync('entry.posted', new EntryPosted(1, 1));
        expect(backend.deleted).toBe(1);
        await emitter.emitAsync('entry.posted', { account: 1 });
        await emitter.emitAsync('tick');
        expect(backend.deleted).toBe(1);
      },
      { backend, invalidations: [on(EntryPosted, () => ({ keys: ['list'] }))] },
    );
  });

  it('domain events can be applied and awaited on the cache itself, CacheInvalidated included', async () => {
    await using({ providers: [Rows, FindBalanceHandler] }, async ({ app }) => {
      const cache = app.get(CacheService);
      await cache.set('k', 1, { tags: ['account:7'] });
      expect(await cache.apply(new EntryPosted(7, 1))).toEqual({ durable: true, requests: 1 });
      expect(await cache.get('k')).toBeUndefined();
      await cache.set('k', 1);
      expect(await cache.apply(new CacheInvalidated({ keys: ['k'] }, 'reports'))).toEqual({
        durable: true,
        requests: 0,
      });
      expect(await cache.get('k')).toBe(1);
      expect(await cache.apply(new CacheInvalidated({ keys: ['k'] }))).toEqual({
        durable: true,
        requests: 1,
      });
      expect(await cache.get('k')).toBeUndefined();
    });
  });

  it('domain events are held by a unit of work and dropped with it', async () => {
    await using(
      { imports: [CqrsModule.forRoot()], providers: [Rows, FindBalanceHandler] },
      async ({ app }) => {
        const cache = app.get(CacheService);
        await cache.set('k', 1, { tags: ['account:7'] });
        const work = cache.unitOfWork(() => {
          app.get(EventBus).publish(new EntryPosted(7, 1));
          throw new Error('rolled back');
        });
        await expect(work).rejects.toThrow('rolled back');
        expect(await cache.get('k')).toBe(1);
        await cache.unitOfWork(() => {
          app.get(EventBus).publish(new EntryPosted(7, 1));
        });
        expect(await cache.get('k')).toBeUndefined();
      },
    );
  });

  it('domain events whose rule throws are logged and fail no call', async () => {
    await using(
      { imports: [CqrsModule.forRoot()] },
      async ({ app, log }) => {
        app.get(EventBus).publish(new EntryPosted(1, 1));
        await new Promise(setImmediate);
        expect(log.lines).toEqual([
          expect.stringMatching(
            /^error: A EntryPosted event could not be carried out: no such account/,
          ),
        ]);
      },
      {
        invalidations: [
          on(EntryPosted, () => {
            throw new Error('no such account');
          }),
        ],
      },
    );
  });

  it('domain events of a named cache go to that cache; a cache that does not exist is refused at start', async () => {
    @Injectable()
    class Reports {
      @InvalidatesCache(EntryPosted, () => ({ tags: ['t'] }), { cache: 'reports' })
      async find(): Promise<number> {
        return 1;
      }
    }
    @Module({ imports: [CacheModule.forRoot({ name: 'reports' })], providers: [Reports] })
    class ReportsModule {}
    await using({ imports: [ReportsModule] }, async ({ app }) => {
      expect(await app.get(CacheService).apply(new EntryPosted(1, 1))).toMatchObject({
        requests: 0,
      });
    });
    await expect(start({ providers: [Reports] })).rejects.toThrow(
      /@InvalidatesCache\(EntryPosted\) names the cache 'reports', which this application does not have/,
    );
  });

  it('domain events are typed', () => {
    // @ts-expect-error the event has no tenant
    InvalidatesCache(EntryPosted, (event) => ({ tenant: event.tenant as unknown as string }));
    // @ts-expect-error a request has no field tag
    on(EntryPosted, () => ({ tag: 'x' }));
    on(EntryPosted, (event: EntryPosted) => ({ tags: [event.cents.toFixed()] }));
  });
});

describe('CacheEvict with timing after-commit', () => {
  @Injectable()
  class Accounts {
    constructor(readonly cache: CacheService) {}

    @CacheEvict({ keys: ['k'], timing: 'after-commit' })
    async post(): Promise<void> {}

    fail(): Promise<void> {
      return this.cache.unitOfWork(async () => {
        await this.post();
        throw new Error('rolled back');
      });
    }
  }

  it('@CacheEvict with timing after-commit waits for the unit of work, and is after-success without one', async () => {
    await using({ providers: [Accounts as Type] }, async ({ app }) => {
      const [cache, accounts] = [app.get(CacheService), app.get(Accounts)];
      await cache.set('k', 1);
      await expect(accounts.fail()).rejects.toThrow('rolled back');
      expect(await cache.get('k')).toBe(1);
      await cache.unitOfWork(() => accounts.post());
      expect(await cache.get('k')).toBeUndefined();
      await cache.set('k', 1);
      await accounts.post();
      expect(await cache.get('k')).toBeUndefined();
    });
  });
});
