import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { CacheService } from '../../lib/core/cache.js';
import { CacheEvict } from '../../lib/nest/decorators/cache-evict.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.js';
import { freePort, type RedisServer, startRedis, until } from '../support/redis.js';
import { CacheModule } from '../../lib/nest/module/cache.module.js';
import { getCacheToken } from '../../lib/nest/module/tokens.js';
import { start, using } from './support.js';

@Injectable()
class Ledger implements OnModuleDestroy, BeforeApplicationShutdown {
  runs = 0;
  readonly inHooks: unknown[] = [];
  constructor(readonly cache: CacheService) {}

  @Cacheable({ tags: ['ledger'] })
  async list(page: number): Promise<{ page: number; run: number; at: Date }> {
    return { page, run: ++this.runs, at: new Date(page) };
  }

  @CacheEvict({ tags: ['ledger'] })
  async post(): Promise<void> {}

  async onModuleDestroy(): Promise<void> {
    this.inHooks.push((await this.list(1)).run, (await this.cache.set('last', 1)).durable);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.inHooks.push((await this.list(1)).run, await this.cache.get('last'));
  }
}

describe('an application on Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const clients = async (): Promise<number> =>
    String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n').length;
  const ready = (cache: CacheService): Promise<void> =>
    until(async () => (await cache.set('ready', 1)).durable, 'the backend is up');

  it('an application on Redis shares entries and evictions with another, and closes its connections after the hooks of its providers', async () => {
    const options = { backend: new RedisBackend({ url: redis.url }), namespace: 'hooks' };
    const one = await start({ providers: [Ledger] }, options);
    const two = await start(
      { providers: [Ledger] },
      { ...options, backend: new RedisBackend({ url: redis.url }) },
    );
    const [first, second] = [one.app.get(Ledger), two.app.get(Ledger)];
    await Promise.all([ready(first.cache), ready(second.cache)]);
    const made = await first.list(1);
    expect(await second.list(1)).toEqual(made);
    expect(second.runs).toBe(0);
    await second.post();
    expect((await first.list(1)).run).toBe(2);
    await one.app.close();
    expect(first.inHooks).toEqual([2, true, 2, 1]);
    expect((await second.list(1)).run).toBe(2);
    await two.app.close();
    await until(async () => (await clients()) === 1, 'only the one who asks is connected');
  });

  it('two named caches on one Redis keep their entries apart', async () => {
    const usersOf = (
      cache: string,
      what: string,
    ): new () => { find(id: number): Promise<string> } => {
      @Injectable()
      class Users {
        @Cacheable({ cache, ttl: '1m' })
        async find(id: number): Promise<string> {
          return `${what} ${String(id)}`;
        }
      }
      return Users;
    };
    const [Shop, Staff] = [usersOf('shop', 'customer'), usersOf('staff', 'employee')];
    const imports = ['shop', 'staff'].map((name) =>
      CacheModule.forRoot({ name, backend: new RedisBackend({ url: redis.url }) }),
    );
    await using(
      { imports, providers: [Shop, Staff] },
      async ({ app }) => {
        const [shop, staff] = ['shop', 'staff'].map((name) =>
          app.get<CacheService>(getCacheToken(name)),
        ) as [CacheService, CacheService];
        await Promise.all([ready(shop), ready(staff)]);
        expect(await app.get(Shop).find(1)).toBe('customer 1');
        const key = shop.key().segment('Users.find').param('0', 1).build();
        await until(async () => (await shop.get(key)) !== undefined, 'the entry is stored');
        expect(await app.get(Staff).find(1)).toBe('employee 1');
        await shop.set('basket', 1);
        await staff.clear();
        expect(await shop.get('basket')).toBe(1);
      },
      false,
    );
  });

  it('an application on Redis closes within two seconds when Redis is frozen', async () => {
    const { app } = await start(
      { providers: [Ledger] },
      { backend: new RedisBackend({ url: redis.url }), namespace: 'frozen' },
    );
    await ready(app.get(CacheService));
    redis.freeze();
    try {
      const began = performance.now();
      expect((await app.get(Ledger).list(1)).run).toBe(1);
      const closing = performance.now();
      await app.close();
      console.log(
        `with Redis frozen: a call took ${(closing - began).toFixed(0)} ms, app.close() ${(performance.now() - closing).toFixed(0)} ms (its hooks make four calls of the cache)`,
      );
    } finally {
      redis.thaw();
    }
  });

  it('an application on Redis starts and answers without Redis', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    await using(
      { providers: [Ledger] },
      async ({ app, log }) => {
        const ledger = app.get(Ledger);
        const pages = await Promise.all(Array.from({ length: 20 }, () => ledger.list(1)));
        expect(new Set(pages.map((page) => page.run))).toEqual(new Set([1]));
        await ledger.post();
        expect((await ledger.list(1)).run).toBe(2);
        expect(log.lines.length).toBeGreaterThan(0);
        expect(log.lines.every((line) => line.startsWith('warn: '))).toBe(true);
      },
      { backend: new RedisBackend({ url }) },
    );
  });
});
