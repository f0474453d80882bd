import {
  type CanActivate,
  Controller,
  createParamDecorator,
  Get,
  Injectable,
  Scope,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Context, Query, Resolver } from '@nestjs/graphql';
import { Ctx, MessagePattern } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { Cacheable } from '../../../lib/index.js';
import type { HttpCacheOptions } from '../../../lib/http.js';
import { start } from '../http-application.js';

@Injectable()
class Gate implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class GateOfARequest extends Gate {}

/** By the names of those that know no users. */
class ThrottlerGuard extends Gate {}
class ClsGuard extends Gate {}

const User = createParamDecorator(() => 'ann');

function responses(http?: HttpCacheOptions): Type {
  @Controller('r')
  class Responses {
    @Get()
    @Cacheable({ ttl: '1m', ...(http && { http }) })
    async find(): Promise<number> {
      return 1;
    }
  }
  return Responses;
}

@Controller('v')
class Values {
  @Get()
  @Cacheable({ key: (key, user) => key.param('user', user) })
  async find(@User() user: string): Promise<string> {
    return user;
  }
}

@Resolver()
class Queries {
  @Query(() => String)
  @Cacheable()
  async find(@Context() context: { user: string }): Promise<string> {
    return context.user;
  }
}

@Controller()
class Messages {
  @MessagePattern('find')
  @Cacheable()
  async find(@Ctx() context: object): Promise<string> {
    return typeof context;
  }
}

@Controller({ path: 's', scope: Scope.REQUEST })
class ScopedValues {
  @Get()
  @Cacheable({ key: (key) => key.param('fixed', 1) })
  async find(): Promise<number> {
    return 1;
  }
}

type Application = Parameters<typeof start>[0];

const GLOBAL: readonly [string, Application, string][] = [
  ['APP_GUARD', { providers: [{ provide: APP_GUARD, useClass: Gate }] }, 'Gate'],
  [
    'APP_GUARD that is made for each request',
    { providers: [{ provide: APP_GUARD, useClass: GateOfARequest, scope: Scope.REQUEST }] },
    'GateOfARequest',
  ],
  ['useGlobalGuards', { configure: (app) => app.useGlobalGuards(new Gate()) }, 'Gate'],
];

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  describe.each(GLOBAL)('a guard of the whole application, by %s,', (_, guarded, name) => {
    it.each<[string, Application, RegExp]>([
      ['a response', { controllers: [responses()] }, /Responses\.find is cached .*principal: /],
      ['the value of a route', { controllers: [Values] }, /Values\.find .*'in-key'/],
      [
        'the value of a route whose class is made for each request',
        { controllers: [ScopedValues] },
        /ScopedValues\.find .*'in-key'/,
      ],
      ['a query', { providers: [Queries] }, /Queries\.find .*takes the context/],
      ['a message handler', { controllers: [Messages] }, /Messages\.find .*takes the context/],
    ])('refuses the start when %s does not say who asks', async (_what, application, message) => {
      const providers = [...(guarded.providers ?? []), ...(application.providers ?? [])];
      const error = await start({ platform, ...guarded, ...application, providers }).then(
        () => undefined,
        (thrown: unknown) => thrown as Error,
      );
      expect(error).toMatchObject({ code: 'CACHE_DECORATOR' });
      expect(error?.message).toMatch(message);
      expect(error?.message).toContain(`${name}, a guard of the whole application`);
    });

    it.each<HttpCacheOptions>([
      { credentials: 'bypass' },
      { credentials: 'ignore' },
      { principal: () => 'ann' },
      { headers: ['authorization'] },
    ])('lets a route start that says %j', async (http) => {
      const { lines } = await start({ platform, ...guarded, controllers: [responses(http)] });
      expect(lines.warnings).toEqual([]);
    });
  });
});

describe('a guard that knows no users', () => {
  it.each([ThrottlerGuard, ClsGuard])('asks no route who its client is: %o', async (guard) => {
    @Controller('own')
    @UseGuards(guard)
    class Own {
      @Get()
      @Cacheable({ ttl: '1m' })
      async find(): Promise<number> {
        return 1;
      }
    }
    const { lines } = await start({
      controllers: [Own, responses()],
      providers: [{ provide: APP_GUARD, useClass: guard }],
    });
    expect(lines.warnings).toEqual([]);
  });

  it('is also an object that takes nothing to decide by, but not one that does', async () => {
    const open = (canActivate: CanActivate['canActivate']) =>
      start({
        controllers: [responses()],
        providers: [{ provide: APP_GUARD, useFactory: () => ({ canActivate }) }],
      });
    expect((await open(() => true)).lines.warnings).toEqual([]);
    await expect(open((context) => context.getType() === 'http')).rejects.toThrow(/is cached and/);
  });

  it('does not hide another one beside it', async () => {
    const providers = [ThrottlerGuard, Gate].map((guard) => ({
      provide: APP_GUARD,
      useClass: guard,
    }));
    await expect(start({ controllers: [responses()], providers })).rejects.toThrow(
      /Gate, a guard of the whole application/,
    );
  });
});
