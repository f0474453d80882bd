import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Inject, Injectable, Module, Optional, Scope } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef, REQUEST } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../../lib/core/cache.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { CacheModule } from '../../../lib/nest/module/cache.module.js';
import { getCacheToken } from '../../../lib/nest/module/tokens.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { type TestApp, using } from '../support.js';

const request = new AsyncLocalStorage<string>();

interface Run {
  readonly on: object;
  readonly request: string | undefined;
}

/** Calls once, lets the ttl pass, calls again (stale), and waits for the refresh. */
async function refreshOn(
  call: (visitor: string) => Promise<unknown>,
  clock: FakeClock,
  { app }: TestApp,
): Promise<void> {
  await request.run('first', () => call('first'));
  await clock.advance(1_500);
  await request.run('second', () => call('second'));
  await app.get(CacheService).drain();
}

describe('a background refresh', () => {
  it('a background refresh of a request-scoped provider runs on an instance of its own, outside of every request', async () => {
    const runs: Run[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Optional() @Inject(REQUEST) readonly of: unknown) {}

      @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
      async find(): Promise<number> {
        runs.push({ on: this, request: request.getStore() });
        return runs.length;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Scoped] },
      async (started) => {
        const instances: object[] = [];
        await refreshOn(
          async (visitor) => {
            const contextId = ContextIdFactory.create();
            started.app.registerRequestByContextId({ visitor }, contextId);
            const scoped = await started.app.resolve(Scoped, contextId);
            instances.push(scoped);
            return scoped.find();
          },
          clock,
          started,
        );
        expect(runs).toHaveLength(2);
        expect(runs[0]).toEqual({ on: instances[0], request: 'first' });
        expect(instances).not.toContain(runs[1]?.on);
        expect(runs[1]?.on).toBeInstanceOf(Scoped);
        expect((runs[1]?.on as Scoped).of).not.toMatchObject({
          visitor: expect.anything() as unknown,
        });
        expect(runs[1]?.request).toBeUndefined();
        expect(started.log.about('refreshed in the background')).toHaveLength(1);
      },
      { clock },
    );
  });

  it('a background refresh of what depends on something request-scoped runs on an instance of its own', async () => {
    const runs: object[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Session {}
    @Injectable()
    class Service {
      constructor(readonly session: Session) {}

      @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
      async find(): Promise<number> {
        runs.push(this.session);
        return 1;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Session, Service] },
      async (started) => {
        const sessions: object[] = [];
        await refreshOn(
          async () => {
            const service = await started.app.resolve(Service);
            sessions.push(service.session);
            return service.find();
          },
          clock,
          started,
        );
        expect(runs).toHaveLength(2);
        expect(sessions).not.toContain(runs[1]);
      },
      { clock },
    );
  });

  it('a background refresh of a singleton runs on it, outside of every request', async () => {
    const runs: Run[] = [];
    @Injectable()
    class Single {
      @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
      async find(): Promise<number> {
        runs.push({ on: this, request: request.getStore() });
        return 1;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Single] },
      async (started) => {
        const single = started.app.get(Single);
        await refreshOn(() => single.find(), clock, started);
        expect(runs).toEqual([
          { on: single, request: 'first' },
          { on: single, request: undefined },
        ]);
        expect(started.log.lines).toEqual([]);
      },
      { clock },
    );
  });

  it.each(['another token', 'a lazily loaded module', 'a controller'])(
    'finds the request-scoped class under %s',
    async (where) => {
      const runs: object[] = [];
      class Base {
        @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
        async find(): Promise<number> {
          runs.push(this);
          return 1;
        }
      }
      @Injectable({ scope: Scope.REQUEST })
      class Scoped extends Base {}
      @Controller({ path: 'scoped', scope: Scope.REQUEST })
      class ScopedController extends Base {}
      @Module({ providers: [Scoped] })
      class LazyModule {}
      const clock = new FakeClock();
      await using(
        where === 'a controller'
          ? { controllers: [ScopedController] }
          : {
              providers:
                where === 'another token'
                  ? [{ provide: 'token', useClass: Scoped, scope: Scope.REQUEST }]
                  : [],
            },
        async (started) => {
          const lazy =
            where === 'a lazily loaded module'
              ? await started.app.get(LazyModuleLoader).load(() => LazyModule)
              : undefined;
          const own: object[] = [];
          await refreshOn(
            async () => {
              const instance =
                where === 'another token'
                  ? await started.app.resolve<Base>('token')
                  : where === 'a controller'
                    ? await started.app
                        .get<ModuleRef>(ModuleRef as never)
                        .create(ScopedController, ContextIdFactory.create())
                    : await lazy!.resolve(Scoped);
              own.push(instance);
              return instance.find();
            },
            clock,
            started,
          );
          expect(runs).toHaveLength(2);
          expect(own).not.toContain(runs[1]);
          expect(runs[1]).toBeInstanceOf(Base);
        },
        { clock },
      );
    },
  );

  it('a background refresh of a durable provider keeps to its own instance, which belongs to the tenant and not to a request', async () => {
    const runs: object[] = [];
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable {
      @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
      async find(): Promise<number> {
        runs.push(this);
        return 1;
      }
    }
    const clock = new FakeClock();
    await using(
      { providers: [Durable] },
      async (started) => {
        const durable = await started.app.resolve(Durable, ContextIdFactory.create());
        await refreshOn(() => durable.find(), clock, started);
        expect(runs.map((instance) => instance === durable)).toEqual([true, true]);
      },
      { clock },
    );
  });

  it('a background refresh keeps the tenant for the cached calls within it, and nothing else of the request', async () => {
    const seen: (string | undefined)[] = [];
    @Injectable()
    class Inner {
      @Cacheable({ ttl: '1ms' })
      async rate(): Promise<number> {
        return 1;
      }
    }
    @Injectable()
    class Outer {
      constructor(
        readonly inner: Inner,
        readonly cls: ClsService<{ tenant: string; user: string }>,
      ) {}

      @Cacheable({ ttl: '1s', staleWhileRevalidate: '1m' })
      async report(): Promise<number> {
        seen.push(this.cls.isActive() ? this.cls.get('user') : undefined);
        return seen.length * (await this.inner.rate());
      }
    }
    const clock = new FakeClock();
    const cls: { service?: ClsService<{ tenant: string; user: string }> } = {};
    await using(
      { imports: [ClsModule], providers: [Inner, Outer] },
      async ({ app, log }) => {
        cls.service = app.get(ClsService);
        const as = (tenant: string, user: string): Promise<number> =>
          app.get(ClsService<{ tenant: string; user: string }>).run(() => {
            cls.service?.set('tenant', tenant);
            cls.service?.set('user', user);
            return app.get(Outer).report();
          });
        expect([await as('a', 'ann'), await as('b', 'bob'), await as('a', 'ann')]).toEqual([
          1, 2, 1,
        ]);
        await clock.advance(1_500);
        expect(await as('a', 'eve')).toBe(1);
        await app.get(CacheService).drain();
        expect(seen).toEqual(['ann', 'bob', undefined]);
        expect(log.about('refresh')).toEqual([]);
        expect([await as('a', 'ann'), await as('b', 'bob')]).toEqual([3, 2]);
        await app.get(CacheService).drain();
      },
      { clock, tenancy: 'required', tenant: () => cls.service?.get('tenant') },
    );
  });
});

describe('tenants', () => {
  const tenants = new AsyncLocalStorage<string>();

  @Injectable()
  class Accounts {
    runs = 0;

    @Cacheable({ tags: ['accounts'] })
    async list(): Promise<string> {
      this.runs++;
      await Promise.resolve();
      return `of ${String(tenants.getStore())}`;
    }

    @CacheKey((key, tenant) => key.tenant(tenant).segment('named'))
    @Cacheable()
    async named(tenant: string): Promise<string> {
      return `of ${tenant}`;
    }
  }
  const options = { tenancy: 'required', tenant: () => tenants.getStore() } as const;

  it('tenants share no flight and no entry', async () => {
    await using(
      { providers: [Accounts] },
      async ({ app }) => {
        const accounts = app.get(Accounts);
        const as = (tenant: string): Promise<string> => tenants.run(tenant, () => accounts.list());
        expect(await Promise.all([as('a'), as('b'), as('a')])).toEqual(['of a', 'of b', 'of a']);
        expect([await as('a'), await as('b')]).toEqual(['of a', 'of b']);
        expect(accounts.runs).toBe(2);
      },
      options,
    );
  });

  it('tenants share no tag and no clear', async () => {
    await using(
      { providers: [Accounts] },
      async ({ app }) => {
        const [accounts, cache] = [app.get(Accounts), app.get(CacheService)];
        const as = (tenant: string): Promise<string> => tenants.run(tenant, () => accounts.list());
        await Promise.all([as('a'), as('b')]);
        await tenants.run('a', () => cache.invalidate({ tags: ['accounts'] }));
        await Promise.all([as('a'), as('b')]);
        expect(accounts.runs).toBe(3);
        await cache.clear({ tenant: 'a' });
        await Promise.all([as('a'), as('b')]);
        expect(accounts.runs).toBe(4);
      },
      options,
    );
  });

  it('tenants are required: a call without one is an error, not a shared entry', async () => {
    await using(
      { providers: [Accounts] },
      async ({ app }) => {
        await expect(app.get(Accounts).list()).rejects.toMatchObject({
          code: 'CACHE_CONFIG',
          message: expect.stringContaining("tenancy: 'required'") as string,
        });
        expect(app.get(Accounts).runs).toBe(0);
        expect(await app.get(Accounts).named('a')).toBe('of a');
      },
      options,
    );
  });

  it('the refresh of a batch has its tenant, and so have its calls of other caches', async () => {
    const tenants: unknown[] = [];
    @Injectable()
    class Accounts {
      constructor(readonly cache: CacheService) {}

      @Cacheable({ cache: 'rates', ttl: '1h' })
      async rate(): Promise<number> {
        return 1;
      }

      list = (): Promise<PromiseSettledResult<number>[]> =>
        this.cache.getOrSetMany(['a', 'b'], async (missing, { background, tenant }) => {
          tenants.push([background, tenant]);
          if (background) await this.rate();
          return missing.map(() => 1);
        });
    }
    const clock = new FakeClock();
    const tenant = () => request.getStore();
    const options = { clock, tenant, ttl: '1s', staleWhileRevalidate: '1m' } as const;
    await using(
      { imports: [CacheModule.forRoot({ ...options, name: 'rates' })], providers: [Accounts] },
      async (started) => {
        await refreshOn(
          () => request.run('acme', () => started.app.get(Accounts).list()),
          clock,
          started,
        );
        expect(tenants).toEqual([
          [false, 'acme'],
          [true, 'acme'],
        ]);
        const rates = started.app.get<CacheService>(getCacheToken('rates'), { strict: false });
        const productions = rates.stats().cache_productions;
        await request.run('acme', () => started.app.get(Accounts).rate());
        expect(rates.stats().cache_productions - productions).toBe(0);
      },
      options,
    );
  });
});
