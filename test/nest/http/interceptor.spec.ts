import { request as httpRequest } from 'node:http';
import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';
import { ManualClock } from './manual-clock.js';

interface PassthroughResponse {
  status(code: number): unknown;
  header(name: string, value: string | readonly string[]): unknown;
}

let calls = 0;
let arrived = 0;
let release: () => void = () => undefined;
let failing = false;

@Controller('cats')
@Cached({ ttl: '1m' })
class Cats {
  @Get()
  list(): unknown {
    calls++;
    return { calls, born: new Date(0), note: undefined, text: 'é "quoted" <b>' };
  }

  @Get('status')
  @Header('x-fixed', 'one')
  status(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    calls++;
    response.status(203);
    response.header('x-made', String(calls));
    response.header('last-modified', 'Thu, 01 Jan 2026 00:00:00 GMT');
    return [calls];
  }

  @Get('slow')
  async slow(): Promise<unknown> {
    calls++;
    await new Promise<void>((resolve) => (release = resolve));
    return { calls };
  }

  @Get('missing')
  async missing(): Promise<never> {
    calls++;
    await new Promise<void>((resolve) => (release = resolve));
    throw new NotFoundException('no such cat');
  }

  @Get('primitive/:kind')
  primitive(@Param('kind') kind: string): unknown {
    calls++;
    return (
      { text: 'héllo', number: 5, yes: true, null: null, empty: '' } as Record<string, unknown>
    )[kind];
  }

  @Get('directive')
  directive(
    @Query('value') value: string,
    @Res({ passthrough: true }) response: PassthroughResponse,
  ): unknown {
    calls++;
    response.header('cache-control', value);
    return { calls };
  }

  @Get('upstream')
  upstream(
    @Query('by') by: string,
    @Res({ passthrough: true }) response: PassthroughResponse,
  ): unknown {
    calls++;
    const lines =
      by === 'lines'
        ? ['Edge; fwd=miss', 'Near; hit; detail="a, b"']
        : 'Edge; fwd=miss, Near; hit; detail="a, b"';
    response.header('cache-status', lines);
    return { calls };
  }

  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    calls++;
    response.header('set-cookie', 'a=b');
    return { calls };
  }

  @Get('item/:id')
  item(@Param('id', ParseIntPipe) id: number, @Query('fail') fail?: string): unknown {
    calls++;
    if (fail !== undefined) throw new BadRequestException();
    return { id, calls };
  }

  @Put('item/:cat')
  put(@Param('cat') id: string): unknown {
    return { id };
  }

  @Patch('item/:id')
  patch(): never {
    throw new BadRequestException();
  }

  @Delete('item/:id')
  @HttpCode(204)
  remove(): void {}

  @Post('item/:id')
  @HttpCode(409)
  conflict(): void {}
}

@Controller('stale')
class Stale {
  @Get('while')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1m' })
  while(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    calls++;
    response.status(203);
    response.header('x-made', String(calls));
    return { calls };
  }

  @Get('error')
  @Cached({ ttl: '10s', staleIfError: '1m' })
  error(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    calls++;
    if (failing) {
      response.header('x-half', 'done');
      response.status(418);
      throw new Error('boom');
    }
    return { calls };
  }

  @Get('strict-error')
  @Cached({ ttl: '10s', staleIfError: '1m' })
  @Header('cache-control', 'max-age=10, must-revalidate')
  strictError(): unknown {
    return this.strict();
  }

  @Get('said')
  @Cached({ ttl: '10s' })
  @Header('cache-control', 'max-age=10, stale-while-revalidate=60')
  said(): unknown {
    calls++;
    return { calls };
  }

  @Get('strict')
  @Cached({ ttl: '10s', staleIfError: '1m', staleWhileRevalidate: '1m' })
  @Header('cache-control', 'max-age=10, must-revalidate')
  strict(): unknown {
    calls++;
    if (failing) throw new Error('boom');
    return { calls };
  }
}

describe.each(PLATFORMS)('on %s', (platform) => {
  let app: TestApp;
  const clock = new ManualClock();

  beforeAll(async () => {
    app = await startApp(platform, [Cats, Stale], {
      cache: { clock },
      configure: (nest) => {
        nest.use(
          (
            _request: unknown,
            response: { setHeader(name: string, value: string): void },
            next: () => void,
          ) => {
            arrived++;
            response.setHeader('x-request-id', String(arrived));
            next();
          },
        );
      },
    });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    calls = 0;
    arrived = 0;
    failing = false;
    await app.cache.clear();
  });

  it('answers a second GET without the handler, byte for byte, and reports a hit in Cache-Status', async () => {
    const first = await app.get('/cats');
    const second = await app.get('/cats');
    expect(calls).toBe(1);
    expect(second.body).toBe(first.body);
    expect(first.headers['cache-status']).toBe('nest-query-cache; fwd=uri-miss; stored; ttl=60');
    expect(second.headers['cache-status']).toMatch(/^nest-query-cache; hit; ttl=(60|59)$/);
    expect(second.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(second.headers['content-length']).toBe(first.headers['content-length']);
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(first.headers.age).toBeUndefined();
    expect(second.headers.age).toBe('0');
  });

  it('counts the age of a stored response in the Age header', async () => {
    await app.get('/cats');
    await clock.advance(30_000);
    expect((await app.get('/cats')).headers.age).toBe('30');
    await clock.advance(31_000);
    expect((await app.get('/cats')).headers['cache-status']).toContain('fwd=');
    expect(calls).toBe(2);
  });

  it.each(['line', 'lines'])(
    'appends its Cache-Status member to those of caches behind the handler (%s)',
    async (by) => {
      const near = 'Edge; fwd=miss, Near; hit; detail="a, b"';
      const path = `/cats/upstream?by=${by}`;
      const forced = await app.get(path, { 'cache-control': 'no-cache' });
      expect(forced.headers['cache-status']).toBe(
        `${near}, nest-query-cache; fwd=miss; stored; ttl=60`,
      );
      await app.cache.clear();
      expect((await app.get(path)).headers['cache-status']).toBe(
        `${near}, nest-query-cache; fwd=uri-miss; stored; ttl=60`,
      );
      expect((await app.get(path)).headers['cache-status']).toMatch(
        /^nest-query-cache; hit; ttl=60$/,
      );
    },
  );

  it('stores the status and the headers that the handler has set', async () => {
    const first = await app.get('/cats/status');
    const second = await app.get('/cats/status');
    expect(calls).toBe(1);
    expect([
      second.status,
      second.headers['x-made'],
      second.headers['x-fixed'],
      second.body,
    ]).toEqual([203, '1', 'one', first.body]);
  });

  it('does not store headers that were set before the handler ran', async () => {
    expect((await app.get('/cats')).headers['x-request-id']).toBe('1');
    expect((await app.get('/cats')).headers['x-request-id']).toBe('2');
  });

  it.each(['text', 'number', 'yes', 'null', 'empty', 'undefined'])(
    'sends a stored %s exactly as the platform has sent it at first',
    async (kind) => {
      const path = `/cats/primitive/${kind}`;
      const first = await app.get(path);
      const second = await app.get(path);
      expect([
        second.status,
        second.body,
        second.headers['content-type'],
        second.headers['content-length'],
      ]).toEqual([
        first.status,
        first.body,
        first.headers['content-type'],
        first.headers['content-length'],
      ]);
      // An undefined result is stored too: the answer is the response, not the value.
      expect(calls).toBe(1);
    },
  );

  it('answers a matching If-None-Match by 304 with the tag and without the handler', async () => {
    const { headers } = await app.get('/cats');
    const answer = await app.get('/cats', { 'if-none-match': `W/"x", ${String(headers.etag)}` });
    expect([
      answer.status,
      answer.body,
      answer.headers.etag,
      answer.headers['content-type'],
    ]).toEqual([304, '', headers.etag, undefined]);
    expect(answer.headers['cache-status']).toContain('; hit');
    expect((await app.get('/cats', { 'if-none-match': '"other"' })).status).toBe(200);
    expect(calls).toBe(1);
  });

  it('compares If-Modified-Since with the Last-Modified of the handler', async () => {
    await app.get('/cats/status');
    expect(
      (await app.get('/cats/status', { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }))
        .status,
    ).toBe(304);
    expect(
      (await app.get('/cats/status', { 'if-modified-since': 'Wed, 31 Dec 2025 00:00:00 GMT' }))
        .status,
    ).toBe(203);
    expect(calls).toBe(1);
  });

  it('answers a first request by 304 too when its tag matches the response of the handler', async () => {
    const { headers } = await app.get('/cats/status');
    await app.cache.clear();
    calls = 0;
    expect((await app.get('/cats/status', { 'if-none-match': String(headers.etag) })).status).toBe(
      304,
    );
  });

  it('runs the handler once for twenty concurrent requests', async () => {
    const asked = Array.from({ length: 20 }, () => app.get('/cats/slow'));
    await until(() => arrived === 20 && calls > 0);
    await settled(20);
    release();
    const answers = await Promise.all(asked);
    expect(calls).toBe(1);
    expect(
      new Set(
        answers.map(
          ({ status, body, headers }) => `${String(status)} ${body} ${String(headers.etag)}`,
        ),
      ).size,
    ).toBe(1);
    expect(
      answers.filter(({ headers }) => headers['cache-status']?.includes('collapsed')).length,
    ).toBeGreaterThanOrEqual(18);
  });

  it('passes one failure to all waiting requests unchanged, and stores nothing', async () => {
    const asked = Array.from({ length: 5 }, () => app.get('/cats/missing'));
    await until(() => arrived === 5 && calls > 0);
    await settled(20);
    release();
    for (const answer of await Promise.all(asked)) {
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({ message: 'no such cat' });
      expect(answer.headers['cache-status']).toContain('fwd=uri-miss');
    }
    expect(calls).toBe(1);
    const again = app.get('/cats/missing');
    await until(() => calls > 1);
    release();
    expect((await again).status).toBe(404);
  });

  it.each(['no-store', 'private', 'no-cache', 'max-age=0'])(
    'does not store a response with Cache-Control: %s',
    async (value) => {
      const path = `/cats/directive?value=${value}`;
      expect((await app.get(path)).headers['cache-status']).toMatch(/fwd=uri-miss; detail=/);
      await app.get(path);
      expect(calls).toBe(2);
    },
  );

  it('does not store a response that sets a cookie', async () => {
    await app.get('/cats/cookie');
    expect((await app.get('/cats/cookie')).headers['cache-status']).toContain('detail=set-cookie');
    expect(calls).toBe(2);
  });

  it('prefers the max-age of the handler to the ttl of the route', async () => {
    await app.get('/cats/directive?value=max-age=5');
    await clock.advance(6_000);
    await app.get('/cats/directive?value=max-age=5');
    expect(calls).toBe(2);
  });

  it('gives every waiting request its own response when the first one cannot be shared', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => app.get('/cats/directive?value=private')),
    );
    expect(new Set(answers.map(({ body }) => body)).size).toBe(5);
  });

  it('follows the Cache-Control directives of a request, and stores what it fetched', async () => {
    await app.get('/cats');
    for (const value of ['no-cache', 'max-age=5', 'min-fresh=55']) {
      await clock.advance(10_000);
      const { body } = await app.get('/cats', { 'cache-control': value });
      expect((await app.get('/cats')).body).toBe(body);
    }
    await app.get('/cats', { pragma: 'no-cache' });
    expect(calls).toBe(5);
    await app.get('/cats', { 'cache-control': 'no-store' });
    await clock.advance(10_000);
    expect((await app.get('/cats', { 'cache-control': 'max-age=10, only-if-cached' })).status).toBe(
      200,
    );
    expect((await app.get('/cats?other', { 'cache-control': 'only-if-cached' })).status).toBe(504);
    expect(calls).toBe(5);
  });

  it('answers HEAD as a GET, and GET by what it stored', async () => {
    const head = await app.send('HEAD', '/cats');
    expect([head.status, head.body, calls]).toEqual([200, '', 1]);
    const get = await app.get('/cats');
    const again = await app.send('HEAD', '/cats');
    expect(calls).toBe(1);
    for (const { headers, body } of [head, again])
      expect([headers.etag, headers['content-length'], body]).toEqual([
        get.headers.etag,
        get.headers['content-length'],
        '',
      ]);
  });

  it('uses one entry whatever the order of the query, and another one for other values', async () => {
    await app.get('/cats?b=1&a=2');
    await app.get('/cats?a=2&b=1');
    expect(calls).toBe(1);
    await app.get('/cats?a=2&b=1&b=2');
    await app.get('/cats?A=2&b=1');
    expect(calls).toBe(3);
  });

  it('never answers a request from the cache that its pipes would reject', async () => {
    await app.get('/cats/item/1');
    expect((await app.get('/cats/item/x')).status).toBe(400);
    expect((await app.get('/cats/item/1?fail')).status).toBe(400);
    expect((await app.get('/cats/item/1')).status).toBe(200);
  });

  it.each([
    ['PUT', 2],
    ['DELETE', 2],
    ['PATCH', 1],
    ['POST', 1],
  ])('invalidates what is stored of a URI when %s succeeds there', async (method, expected) => {
    await app.get('/cats/item/1');
    await app.get('/cats/item/2');
    await app.send(method, '/cats/item/1');
    calls = 1;
    await app.get('/cats/item/1');
    await app.get('/cats/item/2');
    expect(calls).toBe(expected);
  });

  it('serves the stale response at once while one handler run refreshes it', async () => {
    await app.get('/stale/while');
    await clock.advance(11_000);
    const stale = await app.get('/stale/while');
    expect([stale.status, stale.body, stale.headers['x-made']]).toEqual([203, '{"calls":1}', '1']);
    expect(stale.headers['cache-status']).toMatch(/hit; ttl=-\d+; detail=stale-while-revalidate/);
    await until(() => calls === 2);
    await app.cache.drain();
    const refreshed = await app.get('/stale/while');
    expect([refreshed.status, refreshed.body, refreshed.headers['x-made'], calls]).toEqual([
      203,
      '{"calls":2}',
      '2',
      2,
    ]);
    expect(refreshed.headers['cache-status']).toContain('; hit; ttl=10');
  });

  it('serves a stale response for as long as the response itself allows', async () => {
    await app.get('/stale/said');
    await clock.advance(11_000);
    expect((await app.get('/stale/said')).headers['cache-status']).toContain(
      'detail=stale-while-revalidate',
    );
    await app.cache.drain();
    await clock.advance(71_000);
    expect((await app.get('/stale/said')).headers['cache-status']).toContain('fwd=');
  });

  it('serves the stale response without traces of the failure when the handler fails', async () => {
    await app.get('/stale/error');
    await clock.advance(11_000);
    failing = true;
    const stale = await app.get('/stale/error');
    expect([stale.status, stale.body, stale.headers['x-half']]).toEqual([
      200,
      '{"calls":1}',
      undefined,
    ]);
    expect(stale.headers['cache-status']).toContain('detail=stale-if-error');
    await clock.advance(60_000);
    expect((await app.get('/stale/error')).status).toBe(500);
  });

  it('never serves a stale must-revalidate response, not even when the handler fails', async () => {
    await app.get('/stale/strict-error');
    await clock.advance(11_000);
    failing = true;
    expect((await app.get('/stale/strict-error')).status).toBe(500);
  });

  it('never serves a stale response that must be revalidated', async () => {
    await app.get('/stale/strict');
    await clock.advance(11_000);
    expect((await app.get('/stale/strict')).body).toBe('{"calls":2}');
    await app.cache.drain();
    await clock.advance(11_000);
    failing = true;
    expect((await app.get('/stale/strict')).status).toBe(500);
  });

  it('finishes the handler run of a client that has disconnected', async () => {
    const gone = httpRequest({ host: '127.0.0.1', port: app.port, path: '/cats/slow' });
    gone.on('error', () => undefined);
    gone.end();
    await until(() => calls === 1);
    const waiting = app.get('/cats/slow');
    gone.destroy();
    await until(() => arrived === 2);
    await settled(20);
    release();
    expect((await waiting).body).toBe('{"calls":1}');
    expect(calls).toBe(1);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled(2);
}

/** Lets real sockets deliver; nothing is judged by how long it took. */
function settled(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
