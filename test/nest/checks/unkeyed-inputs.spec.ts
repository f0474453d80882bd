import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  Ip,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  Res,
  Session,
  type Type,
} from '@nestjs/common';
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

describe('a cached route that takes', () => {
  it.each<[string, readonly Parameter[], HttpCacheOptions | undefined, string]>([
    ['a header', [Headers('X-Theme')], undefined, "@Headers('X-Theme')"],
    ['all headers', [Headers()], undefined, '@Headers()'],
    [
      'a credential that is said not to matter',
      [Headers('authorization')],
      { credentials: 'ignore' },
      "@Headers('authorization')",
    ],
    [
      'the session, where cookies do not count',
      [Session()],
      { credentials: 'standard' },
      '@Session()',
    ],
    ['the address', [Ip()], undefined, '@Ip()'],
    [
      'a parameter that is not to count',
      [Query('page'), Query('debug', ParseIntPipe)],
      { query: ['page'] },
      "@Query('debug')",
    ],
    [
      'what only the application knows',
      [Language()],
      undefined,
      "what a parameter decorator of the application's own makes",
    ],
    ['several', [Headers('x-a'), Ip(), Headers('x-a')], undefined, "@Headers('x-a') and @Ip()"],
  ])('%s is told at start that its key leaves it out', async (_, parameters, http, what) => {
    const { lines } = await start({ controllers: [taking(parameters, http)] });
    expect(lines.warnings).toEqual([
      expect.stringContaining(`Routes.find is cached and takes ${what}`),
    ]);
    expect(lines.warnings[0]).toMatch(
      /its key leaves out.*Say it in http: headers, query or principal/,
    );
  });

  const ann = (): string => 'ann';
  it.each<[string, readonly Parameter[], HttpCacheOptions?]>([
    ['a header of the key', [Headers('X-Theme')], { headers: ['x-theme'] }],
    ['headers, and says which', [Headers(), Language()], { headers: ['x-theme'] }],
    ['a credential, with which requests go past the cache', [Headers('authorization')]],
    ['what only requests have that go past the cache', [Headers('range'), Headers('if-match')]],
    ['who asks, and says so', [Headers('cookie'), Session(), Ip(), Language()], { principal: ann }],
    ['the session, with which requests go past the cache', [Session()]],
    ['the host', [Headers('host')], { host: true }],
    ['headers, and may say Vary by itself', [Headers('x-theme'), Res({ passthrough: true })]],
    ['path and query', [Param('id'), Query('page'), Query()]],
    ['the request, of which nobody knows what it takes', [Req()]],
  ])('%s is told nothing', async (_, parameters, http) => {
    const { lines } = await start({ controllers: [taking(parameters, http)] });
    expect(lines.warnings).toEqual([]);
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
    }
    const { lines } = await start({
      controllers: [Varying, taking([Headers('x-theme')], undefined, Post())],
    });
    expect(lines.warnings).toEqual([expect.stringContaining('methods other than GET and HEAD')]);
  });

  it('what only the application knows, in a cache with tenants, is told nothing', async () => {
    const { lines } = await start({
      controllers: [taking([Language()])],
      cache: { tenant: () => 'acme' },
    });
    expect(lines.warnings).toEqual([]);
  });
});
