import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CallHandler,
  ClassSerializerInterceptor,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { Exclude } from 'class-transformer';
import { ClsModule, ClsModuleOptions, ClsServiceManager } from 'nestjs-cls';
import { map, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheService, CacheTTL } from '../../../lib/index.js';
import { FakeClock } from '../../../lib/testing.js';
import { listen, start } from '../http-application.js';

class Account {
  @Exclude()
  readonly secret = 's';
  constructor(readonly run: number) {}
}

let runs = 0;

@Controller('accounts')
class Accounts {
  @Get('mine')
  @Cacheable({ ttl: '10s', staleWhileRevalidate: '1m' })
  async mine(): Promise<Account> {
    return new Account(++runs);
  }

  @Get('tenant')
  @Cacheable({ ttl: '1m' })
  async tenant(): Promise<{ tenant: unknown }> {
    return { tenant: ClsServiceManager.getClsService().get('tenant') };
  }
}

@Injectable()
class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

type Way = ModuleMetadata & { configure?: (app: INestApplication) => void };

const WAYS: Record<string, Way> = {
  'a provider of the root module': {
    providers: [
      { provide: APP_INTERCEPTOR, useClass: Envelope },
      { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor },
    ],
  },
  useGlobalInterceptors: {
    configure: (app) =>
      app.useGlobalInterceptors(new Envelope(), new ClassSerializerInterceptor(app.get(Reflector))),
  },
};

describe.each(['express', 'fastify'] as const)(
  "the application's global interceptors on %s",
  (platform) => {
    it.each(Object.entries(WAYS))(
      'are part of what is stored, so that nothing excluded goes out: by %s',
      async (_, way) => {
        runs = 0;
        const clock = new FakeClock();
        const { app, get } = await start({
          controllers: [Accounts],
          platform,
          cache: { clock },
          ...way,
        });
        const visit = await listen(app);
        for (const status of ['fwd=uri-miss; stored', '; hit']) {
          const { text, headers } = await visit('/accounts/mine');
          expect([JSON.parse(text), headers.get('cache-status')]).toEqual([
            { data: { run: 1 } },
            expect.stringContaining(status),
          ]);
        }
        await clock.advance(11_000);
        expect((await visit('/accounts/mine')).text).toBe('{"data":{"run":1}}');
        await get(CacheService).drain();
        // What was refreshed in the background went through them as well.
        expect((await visit('/accounts/mine')).text).toBe('{"data":{"run":2}}');
      },
    );

    it('come after the one of nestjs-cls, in whose context the tenant is found', async () => {
      const setup = (
        cls: { set(name: string, value: unknown): void },
        context: ExecutionContext,
      ): void => {
        cls.set(
          'tenant',
          context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers[
            'x-tenant'
          ],
        );
      };
      const cls = ClsModule.forRoot(
        Object.assign(new ClsModuleOptions(), {
          global: true,
          interceptor: { mount: true, setup },
        }),
      );
      const tenant = (): string | undefined =>
        ClsServiceManager.getClsService().get<string | undefined>('tenant');
      const { app } = await start({
        controllers: [Accounts],
        platform,
        imports: [cls],
        cache: { tenancy: 'required', tenant },
      });
      const visit = await listen(app);
      for (const status of ['fwd=uri-miss; stored', '; hit']) {
        for (const name of ['acme', 'zeta']) {
          const { text, headers } = await visit('/accounts/tenant', {
            headers: { 'x-tenant': name },
          });
          expect([text, headers.get('cache-status')]).toEqual([
            `{"tenant":"${name}"}`,
            expect.stringContaining(status),
          ]);
        }
      }
    });

    it('that set the tenant too late make nothing that tenants share, with one warning', async () => {
      const storage = new AsyncLocalStorage<string>();
      @Injectable()
      class Tenant implements NestInterceptor {
        intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
          const tenant = context.switchToHttp().getRequest<{ headers: Record<string, string> }>()
            .headers['x-tenant'];
          return tenant === undefined ? next.handle() : storage.run(tenant, () => next.handle());
        }
      }
      @Controller('who')
      class Who {
        @Get('method')
        @Cacheable()
        async method(): Promise<{ tenant: string }> {
          return { tenant: storage.getStore() ?? 'none' };
        }
      }
      @Controller('all')
      @CacheTTL('1m')
      class All {
        @Get('class')
        async byClass(): Promise<{ tenant: string }> {
          return { tenant: storage.getStore() ?? 'none' };
        }
      }
      const { app, lines } = await start({
        controllers: [Who, All],
        platform,
        cache: { tenant: () => storage.getStore() },
        providers: [{ provide: APP_INTERCEPTOR, useClass: Tenant }],
      });
      const visit = await listen(app);
      for (const path of ['/who/method', '/all/class']) {
        for (const tenant of ['acme', 'zeta', 'acme']) {
          const { text, headers } = await visit(path, { headers: { 'x-tenant': tenant } });
          expect([text, headers.get('cache-status')]).toEqual([
            `{"tenant":"${tenant}"}`,
            'nest-query-cache; fwd=bypass; detail=tenant',
          ]);
        }
        // Nor for those without one: what is stored for them would be found by the others.
        for (let i = 0; i < 2; i++) {
          const { text, headers } = await visit(path);
          expect([text, headers.get('cache-status')]).toEqual([
            '{"tenant":"none"}',
            'nest-query-cache; fwd=bypass; detail=tenant',
          ]);
        }
        const { text } = await visit(path, { headers: { 'x-tenant': 'acme' } });
        expect(text).toBe('{"tenant":"acme"}');
      }
      expect(lines.warnings).toEqual(
        ['Who.method', 'All.byClass'].map((where): unknown =>
          expect.stringMatching(
            `${where} is answered in a tenant .*Set it in middleware or in a guard`,
          ),
        ),
      );
    });

    it('find the principal of nestjs-cls where middleware has put it', async () => {
      const setup = (
        cls: { set(name: string, value: unknown): void },
        request: { headers: Record<string, string> },
      ): void => {
        cls.set('user', request.headers['x-user']);
      };
      const cls = ClsModule.forRoot(
        Object.assign(new ClsModuleOptions(), { global: true, middleware: { mount: true, setup } }),
      );
      const user = (): string | undefined =>
        ClsServiceManager.getClsService().get<string | undefined>('user');
      @Controller('drafts')
      class Drafts {
        @Get()
        @Cacheable({ http: { principal: user } })
        async mine(): Promise<{ of: unknown }> {
          return { of: user() };
        }
      }
      const { app } = await start({ controllers: [Drafts], platform, imports: [cls] });
      const visit = await listen(app);
      for (const status of ['fwd=uri-miss; stored', '; hit']) {
        for (const name of ['ann', 'bob']) {
          const { text, headers } = await visit('/drafts', {
            headers: { 'x-user': name, authorization: name },
          });
          expect([text, headers.get('cache-status')]).toEqual([
            `{"of":"${name}"}`,
            expect.stringContaining(status),
          ]);
        }
      }
    });
  },
);
