import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import {
  type CanActivate,
  Controller,
  Get,
  Header,
  HttpCode,
  type INestApplication,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Scope,
  SetMetadata,
  type Type,
  UseGuards,
} from '@nestjs/common';
import type { NestApplicationContextOptions } from '@nestjs/common/interfaces/nest-application-context-options.interface.js';
import { REQUEST, Reflector } from '@nestjs/core';
import { CqrsModule, type IQueryHandler, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../lib/core/cache.js';
import { CacheModule } from '../../lib/nest/module/cache.module.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.js';
import { CacheEvict } from '../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../lib/nest/decorators/cache-key.js';
import { CacheTTL } from '../../lib/nest/decorators/cache-ttl.js';
import { NoCache } from '../../lib/nest/decorators/no-cache.js';
import { freePort } from '../support/redis.js';
import { Log, using } from './support.js';

@Injectable()
class Guard implements CanActivate {
  calls = 0;

  canActivate(): boolean {
    this.calls++;
    return true;
  }
}

async function listen(
  adapter: 'express' | 'fastify',
  controllers: Type[],
  task: (
    get: (path: string, method?: string) => Promise<Response>,
    app: INestApplication,
  ) => Promise<void>,
): Promise<void> {
  const testing = await Test.createTestingModule({
    imports: [CacheModule.forRoot({ jitter: 0 })],
    controllers,
    providers: [Guard],
  })
    .setLogger(new Log())
    .compile();
  const app = testing.createNestApplication(
    adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  );
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  try {
    await task((path, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method }), app);
  } finally {
    await app.close();
  }
}

describe.each(['express', 'fastify'] as const)('route handlers on %s', (adapter) => {
  it('route handlers keep their other decorators, in both orders', async () => {
    const runs = { above: 0, below: 0 };
    @Controller('cats')
    class Cats {
      @Cacheable({ http: { credentials: 'ignore' } })
      @Get('above/:id')
      @HttpCode(203)
      @Header('x-cat', 'tom')
      @UseGuards(Guard)
      @SetMetadata('role', 'cat')
      async above(@Param('id', ParseIntPipe) id: number): Promise<{ id: number; type: string }> {
        runs.above++;
        return { id, type: typeof id };
      }

      @Get('below/:id')
      @HttpCode(203)
      @Header('x-cat', 'tom')
      @UseGuards(Guard)
      @SetMetadata('role', 'cat')
      @Cacheable({ http: { credentials: 'ignore' } })
      async below(@Param('id', ParseIntPipe) id: number): Promise<{ id: number; type: string }> {
        runs.below++;
        return { id, type: typeof id };
      }
    }
    await listen(adapter, [Cats], async (get, app) => {
      for (const route of ['above', 'below'] as const) {
        for (const _ of [1, 2]) {
          const response = await get(`/cats/${route}/7`);
          expect([response.status, response.headers.get('x-cat'), await response.json()]).toEqual([
            203,
            'tom',
            { id: 7, type: 'number' },
          ]);
        }
        expect(runs[route]).toBe(1);
        expect((await get(`/cats/${route}/tom`)).status).toBe(400);
        expect(app.get(Reflector).get('role', Cats.prototype[route])).toBe('cat');
      }
      expect(app.get(Guard).calls).toBe(6);
    });
  });

  it('route handlers are cached when their controller is request-scoped', async () => {
    let runs = 0;
    @Controller({ path: 'scoped', scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject(REQUEST) readonly request: object) {}

      @Cacheable()
      @Get()
      async find(): Promise<{ run: number; request: boolean }> {
        return { run: ++runs, request: typeof this.request === 'object' };
      }
    }
    await listen(adapter, [Scoped], async (get) => {
      expect(await (await get('/scoped')).json()).toEqual({ run: 1, request: true });
      expect(await (await get('/scoped')).json()).toEqual({ run: 1, request: true });
    });
  });

  it('route handlers are opted in by their class, and out by NoCache', async () => {
    let runs = 0;
    @Cacheable({ ttl: '1m' })
    @Controller('all')
    class All {
      @Get('in')
      async cached(): Promise<number> {
        return ++runs;
      }

      @NoCache()
      @Get('out')
      async uncached(): Promise<number> {
        return ++runs;
      }
    }
    await listen(adapter, [All], async (get) => {
      expect([await (await get('/all/in')).text(), await (await get('/all/in')).text()]).toEqual([
        '1',
        '1',
      ]);
      expect([await (await get('/all/out')).text(), await (await get('/all/out')).text()]).toEqual([
        '2',
        '3',
      ]);
    });
  });

  it('route handlers take CacheKey and CacheTTL as in @nestjs/cache-manager', async () => {
    let runs = 0;
    @Controller('old')
    class Old {
      @CacheKey('rates')
      @CacheTTL(60_000)
      @Get()
      rates(): number {
        return ++runs;
      }
    }
    await listen(adapter, [Old], async (get, app) => {
      expect([await (await get('/old')).text(), await (await get('/old')).text()]).toEqual([
        '1',
        '1',
      ]);
      await app.get(CacheService).delete('rates');
      expect(await (await get('/old')).text()).toBe('2');
    });
  });

  it('route handlers evict after a command, and keep its status and its errors', async () => {
    let runs = 0;
    @Controller('entries')
    class Entries {
      @Cacheable({ tags: ['entries'] })
      @Get()
      async list(): Promise<number> {
        return ++runs;
      }

      @CacheEvict({ tags: ['entries'] })
      @Post('good')
      @HttpCode(204)
      async good(): Promise<void> {}

      @Post('bad')
      @CacheEvict({ tags: ['entries'] })
      async bad(): Promise<void> {
        throw new NotFoundException('no such account');
      }
    }
    await listen(adapter, [Entries], async (get) => {
      const list = async (): Promise<string> => (await get('/entries')).text();
      expect([await list(), await list()]).toEqual(['1', '1']);
      expect((await get('/entries/bad', 'POST')).status).toBe(404);
      expect(await list()).toBe('1');
      expect((await get('/entries/good', 'POST')).status).toBe(204);
      expect(await list()).toBe('2');
    });
  });
});

describe('handlers of other kinds', () => {
  it('handlers of other kinds are cached as query handlers, static and request-scoped', async () => {
    const runs = { static: 0, scoped: 0 };
    class FindStatic {
      constructor(readonly id: number) {}
    }
    class FindScoped {
      constructor(readonly id: number) {}
    }
    @QueryHandler(FindStatic)
    class StaticHandler implements IQueryHandler<FindStatic, string> {
      @Cacheable()
      @CacheKey((key, query: FindStatic) => key.param('id', query.id))
      async execute(query: FindStatic): Promise<string> {
        runs.static++;
        return `static ${query.id}`;
      }
    }
    @QueryHandler(FindScoped, { scope: Scope.REQUEST })
    class ScopedHandler implements IQueryHandler<FindScoped, string> {
      @CacheKey((key, query: FindScoped) => key.param('id', query.id))
      @Cacheable()
      async execute(query: FindScoped): Promise<string> {
        runs.scoped++;
        return `scoped ${query.id}`;
      }
    }
    await using(
      { imports: [CqrsModule.forRoot()], providers: [StaticHandler, ScopedHandler] },
      async ({ app }) => {
        const bus = app.get(QueryBus);
        for (const _ of [1, 2]) {
          expect(await bus.execute(new FindStatic(1))).toBe('static 1');
          expect(await bus.execute(new FindScoped(1))).toBe('scoped 1');
        }
        expect(await bus.execute(new FindStatic(2))).toBe('static 2');
        expect(runs).toEqual({ static: 2, scoped: 1 });
      },
    );
  });

  it('handlers of other kinds refuse a query object without a key of its own, and say what to do', async () => {
    class Find {
      constructor(readonly id: number) {}
    }
    @Injectable()
    class Unkeyed {
      @Cacheable()
      async execute(query: Find): Promise<number> {
        return query.id;
      }
    }
    await using({ providers: [Unkeyed] }, async ({ app }) => {
      await expect(app.get(Unkeyed).execute(new Find(1))).rejects.toMatchObject({
        code: 'CACHE_KEY',
        message: expect.stringMatching(/argument "0" is an instance of Find.*@CacheKey/) as string,
      });
    });
  });

  it('handlers of other kinds are cached as event listeners, in both orders', async () => {
    const runs = { above: 0, below: 0 };
    @Injectable()
    class Listener {
      @Cacheable()
      @OnEvent('above')
      async above(id: number): Promise<number> {
        runs.above++;
        return id;
      }

      @OnEvent('below')
      @Cacheable()
      async below(id: number): Promise<number> {
        runs.below++;
        return id;
      }
    }
    await using(
      { imports: [EventEmitterModule.forRoot()], providers: [Listener] },
      async ({ app }) => {
        const emitter = app.get(EventEmitter2);
        for (const event of ['above', 'below'] as const) {
          await emitter.emitAsync(event, 1);
          await emitter.emitAsync(event, 1);
          expect(runs[event]).toBe(1);
        }
      },
    );
  });

  it('handlers of other kinds are found as scheduled jobs, in both orders', async () => {
    let runs = 0;
    @Injectable()
    class Jobs {
      @Cacheable()
      @Cron('0 0 1 1 *', { name: 'above' })
      async above(): Promise<number> {
        return ++runs;
      }

      @Cron('0 0 1 1 *', { name: 'below' })
      @Cacheable()
      async below(): Promise<number> {
        return ++runs;
      }
    }
    await using({ imports: [ScheduleModule.forRoot()], providers: [Jobs] }, async ({ app }) => {
      expect([...app.get(SchedulerRegistry).getCronJobs().keys()].sort()).toEqual([
        'above',
        'below',
      ]);
      for (const job of app.get(SchedulerRegistry).getCronJobs().values()) {
        await job.fireOnTick();
        await job.fireOnTick();
      }
      await app.get(CacheService).drain();
      expect(runs).toBe(2);
    });
  });

  it('handlers of other kinds are cached as message handlers over TCP', async () => {
    const runs = { above: 0, below: 0, scoped: 0 };
    @Controller()
    class Messages {
      @Cacheable()
      @MessagePattern('above')
      async above(@Payload() id: number): Promise<string> {
        runs.above++;
        return `above ${id}`;
      }

      @MessagePattern('below')
      @Cacheable()
      async below(@Payload() id: number): Promise<string> {
        runs.below++;
        return `below ${id}`;
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class ScopedMessages {
      @MessagePattern('scoped')
      @Cacheable({ name: 'scoped' })
      async scoped(@Payload() id: number): Promise<string> {
        runs.scoped++;
        return `scoped ${id}`;
      }
    }
    const port = await freePort();
    const log = new Log();
    const testing = await Test.createTestingModule({
      imports: [CacheModule.forRoot()],
      controllers: [Messages, ScopedMessages],
    })
      .setLogger(log)
      .compile();
    const server: MicroserviceOptions = {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    };
    const app = testing.createNestMicroservice(
      Object.assign(Object.create(null) as NestApplicationContextOptions, server),
    );
    await app.listen();
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    try {
      for (const pattern of ['above', 'below', 'scoped'] as const) {
        for (const _ of [1, 2])
          expect(await firstValueFrom(client.send<string>(pattern, 1))).toBe(`${pattern} 1`);
        expect(runs[pattern]).toBe(1);
      }
    } finally {
      await client.close();
      await app.close();
    }
    expect(
      await new Promise((resolve) =>
        connect(port, '127.0.0.1')
          .on('error', () => resolve('closed'))
          .on('connect', () => resolve('open')),
      ),
    ).toBe('closed');
  });
});
