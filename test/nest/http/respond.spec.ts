import { Readable } from 'node:stream';
import fastifyCompress from '@fastify/compress';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  ClassSerializerInterceptor,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  HttpCode,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  NotFoundException,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UseFilters,
  UseGuards,
  UseInterceptors,
  Version,
  VersioningType,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Exclude } from 'class-transformer';
import compression from 'compression';
import { map, type Observable, of } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  Cached,
  type Platform,
  PLATFORMS,
  startApp,
  type TestApp,
} from './support.js';

class Teapot extends Error {}

@Catch(Teapot)
class TeapotFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  catch(_error: Teapot, host: ArgumentsHost): void {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { tea: true }, 418);
  }
}

@Injectable()
class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

class Secretive {
  readonly id = 1;
  @Exclude()
  readonly secret = 's';
}

@Injectable()
class Gate implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return (
      context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-open'] !==
      'no'
    );
  }
}

interface RawResponse {
  end(text: string): void;
  raw?: RawResponse;
  hijack?(): void;
}

@Controller('typed')
class Typed {
  @Get()
  @Cached({ ttl: '1m' })
  @Header('content-type', 'text/csv')
  typed(): unknown {
    return { a: 1 };
  }
}

@Controller('same')
@Cached({ ttl: '1m' })
class Same {
  @Get('json')
  json(): unknown {
    return { a: [1, null, 'é'], at: new Date(0), big: 'x'.repeat(5_000) };
  }

  @Get('code')
  @HttpCode(202)
  @Header('content-type', 'application/vnd.api+json')
  @Header('x-one', '1')
  code(): unknown {
    return { a: 1 };
  }

  @Get('html')
  @Header('content-type', 'text/html; charset=utf-8')
  html(): string {
    return '<p>é</p>';
  }

  @Get('moved')
  @Redirect('/elsewhere', 301)
  moved(): void {}

  @Get('moved-by-value')
  @Redirect('/elsewhere')
  movedByValue(): unknown {
    return { url: '/there', statusCode: 307 };
  }

  @Get('moved-by-hand')
  movedByHand(
    @Res({ passthrough: true })
    response: {
      status(code: number): void;
      header(name: string, value: string): void;
    },
  ): void {
    response.status(302);
    response.header('location', '/there');
  }

  @Get('missing')
  missing(): never {
    throw new NotFoundException();
  }

  @Get('broken')
  broken(): never {
    throw new Error('boom');
  }

  @Get('teapot')
  @UseFilters(TeapotFilter)
  teapot(): never {
    throw new Teapot();
  }

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(Readable.from([Buffer.from('one'), Buffer.from('two')]), {
      type: 'text/x-file',
      disposition: 'attachment',
    });
  }

  /** As a handler does that knows parts of what it gives, and whether it is still the same. */
  @Get('ranged')
  ranged(
    @Headers('range') range: string | undefined,
    @Headers('if-match') match: string | undefined,
    @Res({ passthrough: true })
    response: { status(code: number): void; header(name: string, value: string): void },
  ): string {
    const text = 'one two three';
    response.header('accept-ranges', 'bytes');
    response.header('etag', '"v1"');
    if (match !== undefined && match !== '"v1"') {
      response.status(412);
      return '';
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    if (from === undefined || to === undefined) return text;
    response.status(206);
    response.header('content-range', `bytes ${from}-${to}/${String(text.length)}`);
    return text.slice(Number(from), Number(to) + 1);
  }

  @Get('by-hand')
  byHand(@Res() response: RawResponse): void {
    response.hijack?.();
    (response.raw ?? response).end('by hand');
  }

  @Sse('events')
  events(): Observable<unknown> {
    return of({ data: 'one' }, { data: 'two' });
  }

  @Get('wrapped')
  @UseInterceptors(Envelope)
  wrapped(): unknown {
    return { a: 1 };
  }

  @Get('serialised')
  @UseInterceptors(ClassSerializerInterceptor)
  serialised(): unknown {
    return new Secretive();
  }

  @Get('observed')
  observed(): Observable<unknown> {
    return of({ a: 1 }, { a: 2 });
  }

  @Get('circular')
  circular(): unknown {
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    return circle;
  }

  @Get('guarded')
  @Cached({ ttl: '1m', http: { credentials: 'bypass' } })
  @UseGuards(Gate)
  guarded(): unknown {
    return { open: true };
  }

  @Get('versioned')
  @Version('1')
  one(): unknown {
    return { version: 1 };
  }

  @Get('versioned')
  @Version('2')
  two(): unknown {
    return { version: 2 };
  }
}

/**
 * What may differ: time, and what this cache says about itself. Express gives weak tags to what has
 * none.
 */
const OWN = ['date', 'age', 'cache-status', 'etag', 'connection', 'keep-alive'];

function comparable({ status, headers, body }: Answer): unknown {
  return {
    status,
    body,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.includes(name))),
  };
}

async function prepare(platform: Platform, app: INestApplication): Promise<void> {
  app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
  if (platform === 'express') app.use(compression({ threshold: 1_000 }));
  else
    await (
      app.getHttpAdapter().getInstance() as {
        register(plugin: unknown, options: object): Promise<void>;
      }
    ).register(fastifyCompress, {
      threshold: 1_000,
    });
}

it('sends serialized JSON on Fastify, which only hooks after serialization can see', async () => {
  const adapter = new FastifyAdapter();
  adapter
    .getInstance()
    .addHook('preSerialization', async () => ({ replaced: true }))
    .addHook('onSend', async (_request, _reply, payload) => `${String(payload)} `);
  const app = await startApp('fastify', [Typed], { adapter });
  for (let i = 0; i < 2; i++) {
    const { status, headers, body } = await app.get('/typed');
    expect([status, headers['content-type'], body]).toEqual([200, 'text/csv', '{"a":1} ']);
  }
  await app.close();
});

describe.each(PLATFORMS)('a cached route on %s', (platform) => {
  let cached: TestApp;
  let plain: TestApp;

  beforeAll(async () => {
    const options = {
      configure: (app: INestApplication) => prepare(platform, app),
      providers: [TeapotFilter],
    };
    [cached, plain] = await Promise.all([
      startApp(platform, [Same], options),
      startApp(platform, [Same], { ...options, cached: false }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([cached.close(), plain.close()]);
  });

  it.each(
    [
      'json',
      'code',
      'html',
      'moved',
      'moved-by-value',
      'moved-by-hand',
      'missing',
      'broken',
      'teapot',
      'file',
      'by-hand',
      'events',
      'wrapped',
    ].concat(['serialised', 'observed', 'circular', 'guarded', 'unknown']),
  )('answers %s as without a cache, both as a miss and as a hit', async (name) => {
    const path = `/same/${name}`;
    const expected = comparable(await plain.get(path));
    expect(comparable(await cached.get(path))).toEqual(expected);
    expect(comparable(await cached.get(path))).toEqual(expected);
    const head = comparable(await plain.send('HEAD', path));
    if (name !== 'events') expect(comparable(await cached.send('HEAD', path))).toEqual(head);
  });

  it.each([
    [{ range: 'bytes=4-6' }, 206],
    [{ range: 'bytes=0-2', 'if-range': '"v1"' }, 206],
    [{ range: 'lines=1-2' }, 200],
    [{ 'if-match': '"v0"' }, 412],
    [{ 'if-match': '"v1"' }, 200],
  ] as [Record<string, string>, number][])(
    'runs the handler for a request that only it can answer: %j',
    async (headers, status) => {
      for (let i = 0; i < 2; i++) {
        const answer = await cached.get('/same/ranged', headers);
        expect(answer.status).toBe(status);
        expect(comparable(answer)).toEqual(comparable(await plain.get('/same/ranged', headers)));
        expect(answer.headers['cache-status']).toContain('fwd=bypass');
        // Neither does it come between, nor is anything of it kept.
        expect(comparable(await cached.get('/same/ranged'))).toEqual(
          comparable(await plain.get('/same/ranged')),
        );
      }
    },
  );

  it('stores a response per version of a route', async () => {
    for (const version of ['1', '2', '1', '2']) {
      const headers = { 'x-version': version };
      const answer = await plain.get('/same/versioned', headers);
      const vary = [
        'x-version',
        ...(answer.headers.vary === undefined ? [] : [answer.headers.vary]),
      ].join(', ');
      const expected = { ...answer, headers: { ...answer.headers, vary } };
      expect(comparable(await cached.get('/same/versioned', headers))).toEqual(
        comparable(expected),
      );
    }
    expect(
      (await cached.get('/same/versioned', { 'x-version': '2' })).headers['cache-status'],
    ).toContain('; hit');
  });

  it.each(['gzip', 'identity', 'deflate'])(
    'sends a stored response in the requested encoding: %s',
    async (encoding) => {
      const headers = { 'accept-encoding': encoding };
      await cached.get('/same/json', headers);
      const answer = await cached.get('/same/json', headers);
      expect(answer.headers['content-encoding']).toBe(
        (await plain.get('/same/json', headers)).headers['content-encoding'],
      );
      expect(answer.headers['cache-status']).toContain('; hit');
    },
  );

  it('runs the guards before answering from the cache', async () => {
    await cached.get('/same/guarded');
    const denied = await cached.get('/same/guarded', { 'x-open': 'no' });
    expect(denied.status).toBe(403);
    expect((await cached.get('/same/guarded')).headers['cache-status']).toContain('; hit');
  });
});
