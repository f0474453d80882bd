import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import {
  CACHE_INVALIDATED,
  CacheInvalidated,
  applyInvalidation,
} from '../../../lib/nest/events/cache-invalidated.js';
import { CacheModule } from '../../../lib/nest/module/cache.module.js';
import { getCacheToken } from '../../../lib/nest/module/tokens.js';
import { type TestApp, using } from '../support.js';

const buses = {
  'the EventBus of @nestjs/cqrs': {
    imports: [CqrsModule.forRoot()],
    publish: ({ app }: TestApp, event: object) => void app.get(EventBus).publish(event),
  },
  '@nestjs/event-emitter': {
    imports: [EventEmitterModule.forRoot()],
    publish: ({ app }: TestApp, event: object) =>
      void app.get(EventEmitter2).emit(CACHE_INVALIDATED, event),
  },
};

describe.each(Object.entries(buses))('CacheInvalidated on %s', (_, { imports, publish }) => {
  it('invalidates keys, tags, segments and tenants', async () => {
    await using({ imports }, async (started) => {
      const cache = started.app.get(CacheService);
      const key = cache.key().tenant('a').segment('entries').param('page', 1).build();
      const requests = [
        { keys: [key] },
        { tenant: 'a', tags: ['t'] },
        { tenant: 'a', segment: 'entries' },
        { tenant: 'a' },
      ];
      for (const request of requests) {
        await cache.set(key, 1, { tags: ['t'] });
        expect(await cache.get(key)).toBe(1);
        publish(started, new CacheInvalidated(request));
        expect(await cache.get(key)).toBeUndefined();
      }
      expect(started.log.lines).toEqual([]);
    });
  });

  it('names the cache that is meant', async () => {
    await using(
      { imports: [...imports, CacheModule.forRoot({ name: 'reports' })] },
      async (started) => {
        const [cache, reports] = [
          started.app.get(CacheService),
          started.app.get<CacheService>(getCacheToken('reports')),
        ];
        await cache.set('k', 1);
        await reports.set('k', 1);
        publish(started, new CacheInvalidated({ keys: ['k'] }, 'reports'));
        expect([await cache.get('k'), await reports.get('k')]).toEqual([1, undefined]);
      },
    );
  });

  it('logs an error for a cache that does not exist and for a request that says nothing', async () => {
    await using({ imports }, async (started) => {
      publish(started, new CacheInvalidated({ keys: ['k'] }, 'nowhere'));
      publish(started, new CacheInvalidated({}));
      await new Promise(setImmediate);
      expect(started.log.lines).toEqual([
        expect.stringMatching(/^error: .*there is no cache 'nowhere'/),
        expect.stringMatching(/^error: .*name at least one of keys, tags, segment or tenant/),
      ]);
    });
  });

  it('leaves other events alone', async () => {
    await using({ imports }, async (started) => {
      await started.app.get(CacheService).set('k', 1);
      publish(started, new (class Posted {})());
      expect(await started.app.get(CacheService).get('k')).toBe(1);
    });
  });

  it('is heard in shutdown hooks', async () => {
    const events: string[] = [];
    @Injectable()
    class Last implements OnModuleDestroy {
      constructor(readonly cache: CacheService) {}

      async onModuleDestroy(): Promise<void> {
        await this.cache.set('k', 1);
        publish(current.started!, new CacheInvalidated({ keys: ['k'] }));
        events.push(String(await this.cache.get('k')));
      }
    }
    const current: { started?: TestApp } = {};
    await using({ imports, providers: [Last] }, async (started) => {
      current.started = started;
    });
    if (imports[0]?.module !== CqrsModule) expect(events).toEqual(['undefined']);
    else expect(events).toHaveLength(1);
  });
});

describe('without a bus', () => {
  it('the event can be applied and awaited', async () => {
    await using({}, async ({ app, log }) => {
      const cache = app.get(CacheService);
      await cache.set('k', 1, { tags: ['t'] });
      expect(await applyInvalidation(cache, new CacheInvalidated({ tags: ['t'] }))).toEqual({
        durable: true,
      });
      expect(await cache.get('k')).toBeUndefined();
      expect(log.lines).toEqual([]);
    });
  });
});
