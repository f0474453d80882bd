import { Controller, Get, Header, Res } from '@nestjs/common';
import { EMPTY, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.js';
import { type Answer, Cached, PLATFORMS, startApp, type TestApp } from './support.js';

interface PassthroughResponse {
  removeHeader(name: string): unknown;
}

let runs = 0;

@Controller('x')
class Routes {
  @Get('trouble')
  @Cached({
    ttl: '1m',
    http: {
      cacheControl: 'public',
      tags: () => {
        throw new Error('in tags');
      },
    },
  })
  trouble(): unknown {
    return { run: ++runs };
  }

  @Get('plain')
  @Cached({ ttl: '1m', staleWhileRevalidate: '1m' })
  plain(): unknown {
    runs++;
    return { a: 1 };
  }

  @Get('text')
  @Cached({ ttl: '1m' })
  @Header('cache-control', 'private')
  text(): string {
    return 'words';
  }

  @Get('callback')
  @Cached({
    ttl: '1m',
    unless: () => {
      throw new Error('in unless');
    },
  })
  callback(): unknown {
    return { run: ++runs };
  }

  @Get('removing')
  @Cached({ ttl: '1m' })
  removing(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    response.removeHeader('x-middleware');
    return { run: ++runs };
  }

  @Get('empty')
  @Cached({ ttl: '1m' })
  empty(): Observable<unknown> {
    runs++;
    return EMPTY;
  }
}

const NAME = 'nest-query-cache';
const statusOf = ({ headers }: Answer): unknown => headers['cache-status'];

describe.each(PLATFORMS)('a request that the cache forwards on %s', (platform) => {
  let app: TestApp;
  const clock = new ManualClock();

  beforeAll(async () => {
    app = await startApp(platform, [Routes], {
      cache: { clock },
      configure: (nest) => {
        nest.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
          response.setHeader('x-middleware', '1');
          next();
        });
      },
    });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await app.cache.clear();
    await clock.advance(60_000);
    runs = 0;
  });

  it('is answered with the tag of a stored answer, and by 304', async () => {
    const head = await app.send('HEAD', '/x/plain');
    const { headers, body } = await app.get('/x/plain');
    expect(head.headers.etag).toBe(headers.etag);
    expect([head.headers['content-length'], head.headers['content-type']]).toEqual([headers['content-length'], headers['content-type']]);
    for (const value of ['max-age=0', 'no-cache']) {
      const forced = await app.get('/x/plain', { 'cache-control': value });
      expect([forced.body, forced.headers.etag, forced.headers['content-type']]).toEqual([body, headers.etag, headers['content-type']]);
      const reload = await app.get('/x/plain', { 'cache-control': value, 'if-none-match': String(headers.etag) });
      expect([reload.status, reload.body, reload.headers.etag]).toEqual([304, '', headers.etag]);
      expect(statusOf(reload)).toBe(`${NAME}; fwd=request`);
    }
    expect(runs).toBe(6);
  });

  it('has a tag when its answer is not for others, too', async () => {
    const { status, headers, body } = await app.get('/x/text');
    expect([status, body, headers['cache-control']]).toEqual([200, 'words', 'private']);
    expect((await app.get('/x/text', { 'if-none-match': String(headers.etag) })).status).toBe(304);
    expect((await app.get('/x/text', { 'if-none-match': '"other"' })).body).toBe('words');
  });

  it('is answered although a callback of its route throws', async () => {
    const { status, body, headers } = await app.get('/x/callback');
    expect([status, body, headers['cache-status']]).toEqual([200, '{"run":1}', `${NAME}; fwd=uri-miss; detail=callback`]);
  });

  it('is told nothing about who may keep its answer when the cache is in trouble', async () => {
    const { body, headers } = await app.get('/x/trouble');
    expect([body, headers['cache-control'], headers['cache-status']]).toEqual([
      '{"run":1}',
      undefined,
      `${NAME}; fwd=bypass; detail=cache-error`,
    ]);
  });

  it('says where it was forwarded to, and nothing when it was not', async () => {
    expect(statusOf(await app.get('/x/plain', { 'cache-control': 'only-if-cached' }))).toBe(`${NAME}; detail=only-if-cached`);
    await app.get('/x/plain');
    await clock.advance(61_000);
    expect(statusOf(await app.get('/x/plain', { 'cache-control': 'max-age=5' }))).toBe(`${NAME}; fwd=miss`);
    expect(statusOf(await app.send('HEAD', '/x/plain'))).toBe(`${NAME}; fwd=miss`);
  });

  it('may lose headers of the middleware to its handler, and so do those answered from the cache', async () => {
    for (const status of ['stored', 'hit']) {
      const answer = await app.get('/x/removing');
      expect([answer.headers['x-middleware'], statusOf(answer)]).toEqual([undefined, expect.stringContaining(status)]);
    }
    expect((await app.get('/x/plain')).headers['x-middleware']).toBe('1');
  });

  it('fails when its handler gives no value, as without a cache', async () => {
    for (let i = 0; i < 2; i++) expect((await app.get('/x/empty')).status).toBe(500);
    expect(runs).toBe(2);
  });
});
