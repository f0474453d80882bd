import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  HostParam,
  Inject,
  Injectable,
  Ip,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  Res,
  Scope,
  Session,
  type Type,
  VersioningType,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { Cacheable } from '../../../lib/index.js';
import type { HttpCacheOptions } from '../../../lib/nest/http/options.js';
import { start } from '../http-application.js';

const Language = createParamDecorator((_: unknown, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers[
    'accept-language'
  ];
});

type Parameter = (target: object, name: string, index: number) => void;

/** A route whose handler takes that. */
function taking(
  parameters: readonly Parameter[],
  http?: HttpCacheOptions,
  route: MethodDecorator = Get(),
): Type {
  @Controller('x')
  class Routes {
    @route
    @Cacheable({ ttl: '1m', ...(http && { http }) })
    async find(): Promise<number> {
      return 1;
    }
  }
  parameters.forEach((parameter, index) => {
    parameter(Routes.prototype, 'find', index);
  });
  return Routes;
}

const ann = (): string => 'ann';

describe('a cached route that takes', () => {
  it.each<[string, readonly Parameter[], HttpCacheOptions | undefined, string, string]>([
    [
      'a header',
      [Headers('X-Theme')],
      undefined,
      "@Headers('X-Theme')",
      "{ headers: ['x-theme'] }",
    ],
    ['all headers', [Headers()], undefined, '@Headers()', "{ headers: ['...'] }"],
    [
      'all headers, of which one is in the key',
      [Headers()],
      { headers: ['accept-language'] },
      '@Headers()',
      "{ headers: ['accept-language', '...'] }",
    ],
    [
      'another header than the one in the key',
      [Headers('accept-language'), Headers('x-theme')],
      { headers: ['accept-language'] },
      "@Headers('x-theme')",
      "{ headers: ['accept-language', 'x-theme'] }",
    ],
    [
      'a header, and could set Vary by itself',
      [Headers('x-theme'), Res({ passthrough: true })],
      undefined,
      "@Headers('x-theme')",
      "{ headers: ['x-theme'] }",
    ],
    [
      'a credential that is said not to matter',
      [Headers('authorization')],
      { credentials: 'ignore' },
      "@Headers('authorization')",
      "{ headers: ['authorization'] }",
    ],
    [
      'a credential that is said not to matter to anonymous clients',
      [Headers('authorization')],
      { credentials: 'ignore', principal: ann },
      "@Headers('authorization')",
      "{ headers: ['authorization'] }",
    ],
    [
      'the host, which all share',
      [Headers('host')],
      { host: false },
      "@Headers('host')",
      "{ headers: ['host'] }",
    ],
    [
      'a part of the host, which all share',
      [HostParam('tenant')],
      { host: false },
      "@HostParam('tenant')",
      '{ host: true }',
    ],
    [
      'the session, where cookies do not count',
      [Session()],
      { credentials: 'standard' },
      '@Session()',
      '{ principal: (request) => ... }',
    ],
    [
      'the address, of which the principal says nothing',
      [Ip()],
      { principal: ann },
      '@Ip()',
      '{ principal: (request) => ... }',
    ],
    [
      'a parameter that is not to count',
      [Query('page'), Query('debug', ParseIntPipe)],
      { query: ['page'] },
      "@Query('debug')",
      "{ query: ['page', 'debug'] }",
    ],
    [
      'all of the query, of which a part counts',
      [Query()],
      { query: ['lang'] },
      '@Query()',
      "{ query: ['lang', '...'] }",
    ],
    [
      'the request',
      [Req()],
      { headers: ['accept-language'], query: ['lang'], principal: ann, credentials: 'bypass' },
      '@Req()',
      "{ headers: ['accept-language', '...'] }",
    ],
    [
      'what only the application knows',
      [Param('id'), Language()],
      { headers: ['accept-language'], principal: ann, credentials: 'bypass' },
      "parameter 2 (what a decorator of the application's own makes)",
      '{ principal: (request) => ... }',
    ],
    [
      'several',
      [Headers('x-a'), Ip(), Headers('x-a')],
      undefined,
      "@Headers('x-a') and @Ip()",
      "{ headers: ['x-a'], principal: (request) => ... }",
    ],
  ])('%s is told at start that its key leaves it out', async (_, taken, http, what, option) => {
    const { lines } = await start({ controllers: [taking(taken, http)] });
    expect(lines.warnings).toEqual([
      expect.stringContaining(`Routes.find is cached and takes ${what}, which its key leaves out`),
    ]);
    expect(lines.warnings[0]).toContain(`http: ${option}. `);
  });

  it.each<[string, readonly Parameter[], HttpCacheOptions?]>([
    ['a header of the key', [Headers('X-Theme')], { headers: ['x-theme'] }],
    ['a credential, with which requests go past the cache', [Headers('authorization')]],
    ['what only requests have that go past the cache', [Headers('range'), Headers('if-match')]],
    ['who asks, and says so', [Headers('cookie'), Session()], { principal: ann }],
    ['the session, with which requests go past the cache', [Session()]],
    ['the host', [Headers('host'), HostParam()]],
    ['path and query', [Param('id'), Query('page'), Query()]],
    ['a part of the query that counts', [Query('page')], { query: ['page'] }],
  ])('%s is told nothing', async (_, parameters, http) => {
    const { lines } = await start({ controllers: [taking(parameters, http)] });
    expect(lines.warnings).toEqual([]);
  });

  it('what the warning names is told nothing once that is pasted into knownInputs', async () => {
    const taken = [
      Req(),
      Headers(),
      Headers('X-Theme'),
      Query(),
      Session(),
      Ip(),
      HostParam('tenant'),
      Language(),
    ];
    const http: HttpCacheOptions = { host: false, query: [], credentials: 'ignore' };
    const first = await start({ controllers: [taking(taken, http)] });
    const pasted = /http: \{ knownInputs: (\[.*\]) \}\.$/.exec(first.lines.warnings[0] ?? '')?.[1];
    const names = ((pasted ?? '').match(/"[^"]*"|'[^']*'/g) ?? []).map((name) => name.slice(1, -1));
    expect(names).toHaveLength(taken.length);
    const second = await start({ controllers: [taking(taken, { ...http, knownInputs: names })] });
    expect(second.lines.warnings).toEqual([]);
    const [left = '', ...others] = names;
    const third = await start({ controllers: [taking(taken, { ...http, knownInputs: others })] });
    expect(third.lines.warnings).toEqual([expect.stringContaining(` takes ${left}, which`)]);
  });

  it('a header by which its answer says that it varies is told nothing, nor what is no reading route', async () => {
    @Controller('y')
    class Varying {
      @Get()
      @Cacheable({ ttl: '1m' })
      @Header('Vary', 'Accept, X-Theme')
      async find(@Headers('x-theme') theme: string): Promise<string> {
        return theme;
      }

      @Get('other')
      @Cacheable({ ttl: '1m' })
      @Header('Vary', 'Accept, X-Theme')
      async other(@Headers('x-other') other: string): Promise<string> {
        return other;
      }
    }
    const { lines } = await start({
      controllers: [Varying, taking([Headers('x-theme')], undefined, Post())],
    });
    expect(lines.warnings).toEqual([
      expect.stringContaining('methods other than GET and HEAD'),
      expect.stringContaining("Varying.other is cached and takes @Headers('x-other'), which"),
    ]);
  });

  it('what only the application knows is told so in a cache with tenants, too', async () => {
    const { lines } = await start({
      controllers: [taking([Language()])],
      cache: { tenant: () => 'acme' },
    });
    expect(lines.warnings).toEqual([expect.stringContaining('takes parameter 1 (')]);
  });

  it.each(['x-version', 'accept'])(
    'the version in %s is told nothing only where the route has one value of it',
    async (header) => {
      const { lines } = await start({
        controllers: [taking([Headers(header), Headers('x-theme')])],
        configure: (app) => {
          app.enableVersioning({
            ...(header === 'accept'
              ? { type: VersioningType.MEDIA_TYPE, key: 'v=' }
              : { type: VersioningType.HEADER, header: 'X-Version' }),
            defaultVersion: '1',
          });
        },
      });
      const what = header === 'accept' ? "@Headers('accept') and " : '';
      expect(lines.warnings).toEqual([
        expect.stringContaining(` takes ${what}@Headers('x-theme'), which`),
      ]);
    },
  );

  it.each<[string, object]>([
    ['request-scoped', { scope: Scope.REQUEST }],
    ['durable', { scope: Scope.REQUEST, durable: true }],
  ])('nothing, in a %s controller, is told what its class takes', async (_, scope) => {
    @Controller({ path: 'x', ...scope })
    class Scoped {
      @Get()
      @Cacheable({ ttl: '1m' })
      async find(): Promise<number> {
        return 1;
      }
      @Get('known')
      @Cacheable({ ttl: '1m', http: { knownInputs: ['@Inject(REQUEST)'] } })
      async known(): Promise<number> {
        return 1;
      }
    }
    const { lines } = await start({ controllers: [Scoped] });
    expect(lines.warnings).toEqual([
      expect.stringMatching(
        /Scoped\.find is cached and takes @Inject\(REQUEST\) .*headers: \['\.\.\.'\] \}/,
      ),
    ]);
  });

  it('nothing, with a request-scoped provider in its controller, is told what that takes', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Asking {
      constructor(@Inject(REQUEST) readonly request: object) {}
    }
    @Controller('x')
    class Through {
      constructor(@Inject(Asking) readonly asking: Asking) {}
      @Get()
      @Cacheable({ ttl: '1m' })
      async find(): Promise<number> {
        return 1;
      }
    }
    const { lines } = await start({ controllers: [Through], providers: [Asking] });
    expect(lines.warnings).toEqual([expect.stringContaining('Through.find is cached and takes')]);
  });
});
