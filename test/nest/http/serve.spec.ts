import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Get, Header, HttpException, Query, Res } from '@nestjs/common';
import { EMPTY, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProducerTimeoutError } from '../../../lib/index.js';
import { until } from '../../support/redis.js';
import { ManualClock } from './manual-clock.js';
import { type Answer, Cached, PLATFORMS, startApp, type TestApp } from './support.js';

interface Incoming {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface PassthroughResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  removeHeader(name: string): unknown;
}

let runs = 0;
let held = false;
let releases: (() => void)[] = [];
let control = 'private';
const tenants = new AsyncLocalStorage<string>();

async function hold(): Promise<number> {
  const run = ++runs;
  if (held) await new Promise<void>((resolve) => releases.push(resolve));
  return run;
}

function release(): void {
  for (const go of releases.splice(0)) go();
}

@Controller('x')
class Routes {
  @Get('slow')
  @Cached({ ttl: '1m', producerTimeout: { hard: '2s' } })
  async slow(): Promise<unknown> {
    return { run: await hold() };
  }

  @Get('inner')
  @Cached({ ttl: '1m' })
  async inner(): Promise<unknown> {
    await hold();
    throw new ProducerTimeoutError('of a cache in the handler');
  }

  @Get('unshared')
  @Cached({ ttl: '1m' })
  async unshared(@Res({ passthrough: true }) response: PassthroughResponse): Promise<unknown> {
    const run = await hold();
    if (control === 'throw') throw new Error('of the handler');
    if (control !== '') response.header('cache-control', control);
    return { run };
  }

  @Get('standard')
  @Cached({ ttl: '1m', http: { credentials: 'standard' } })
  async standard(): Promise<unknown> {
    return { run: await hold() };
  }

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

  @Get('failing')
  @Cached({ ttl: '1m' })
  async failing(
    @Query('by') by: string,
    @Res({ passthrough: true }) response: PassthroughResponse,
  ): Promise<unknown> {
    const run = await hold();
    if (by === 'throw') throw new HttpException({ run }, 503);
    response.status(503);
    return { run };
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
  let arrived = 0;
  const clock = new ManualClock();

  beforeAll(async () => {
    app = await startApp(platform, [Routes], {
      cache: { clock, tenant: () => tenants.getStore() },
      configure: (nest) => {
        nest.use(
          (
            request: Incoming,
            response: { setHeader(name: string, value: string): void },
            next: () => void,
          ) => {
            arrived++;
            response.setHeader('x-middleware', '1');
            tenants.run(request.headers['x-tenant'] ?? 'acme', next);
          },
        );
      },
    });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await app.cache.clear();
    await clock.advance(60_000);
    [runs, arrived, held, releases, control] = [0, 0, false, [], 'private'];
  });

  const askTogether = async (
    path: string,
    count: number,
    headers = {},
  ): Promise<Promise<Answer>[]> => {
    held = true;
    arrived = 0;
    const asked = Array.from({ length: count }, () => app.get(path, headers));
    await until(() => arrived === count && releases.length > 0);
    await settled();
    return asked;
  };

  describe('to a handler that is too slow', () => {
    it('does not run the slow handler again for each request that waited', async () => {
      const asked = await askTogether('/x/slow', 20);
      await clock.advance(2_000);
      await settled();
      release();
      const answers = await Promise.all(asked);
      expect(runs).toBe(1);
      const [own, waited] = [200, 504].map((status) =>
        answers.filter((answer) => answer.status === status),
      );
      expect([own?.length, waited?.length]).toEqual([1, 19]);
      expect(new Set(waited?.map(statusOf))).toEqual(
        new Set([`${NAME}; fwd=uri-miss; collapsed; detail=timeout`]),
      );
      expect(JSON.parse(String(waited?.[0]?.body))).toEqual({
        statusCode: 504,
        message: 'Gateway Timeout',
      });
    });

    it('passes a cache error that the handler threw to all waiting requests', async () => {
      const asked = await askTogether('/x/inner', 5);
      release();
      expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([
        500, 500, 500, 500, 500,
      ]);
      expect(runs).toBe(1);
    });
  });

  describe('whose answer is not for others', () => {
    it('does not wait for other requests once the key is known to be unshareable', async () => {
      expect(statusOf(await app.get('/x/unshared'))).toBe(`${NAME}; fwd=uri-miss; detail=private`);
      const asked = await askTogether('/x/unshared', 5);
      expect(releases.length).toBe(5);
      release();
      const answers = await Promise.all(asked);
      expect(new Set(answers.map(statusOf))).toEqual(
        new Set([`${NAME}; fwd=uri-miss; detail=private`]),
      );
      expect(new Set(answers.map(({ body }) => body)).size).toBe(5);
    });

    it('lets one request try again after five seconds, without others waiting for it', async () => {
      await app.get('/x/unshared');
      await clock.advance(5_000);
      const asked = await askTogether('/x/unshared', 5);
      expect(releases.length).toBe(5);
      release();
      await Promise.all(asked);
    });

    it('keeps unshareable keys of one tenant apart from those of another', async () => {
      await app.get('/x/unshared', { 'x-tenant': 'acme' });
      control = '';
      const asked = await askTogether('/x/unshared', 5, { 'x-tenant': 'zeta' });
      expect(releases.length).toBe(1);
      release();
      await Promise.all(asked);
    });

    it('waits for other requests again once a response can be shared', async () => {
      await app.get('/x/unshared');
      control = '';
      expect(statusOf(await app.get('/x/unshared'))).toBe(`${NAME}; fwd=uri-miss`);
      expect(statusOf(await app.get('/x/unshared'))).toContain('; stored');
      expect(statusOf(await app.get('/x/unshared'))).toContain('; hit');
      control = 'private';
      await app.cache.clear();
      expect(statusOf(await app.get('/x/unshared'))).toContain('detail=private');
      await clock.advance(5_000);
      control = '';
      expect(statusOf(await app.get('/x/unshared'))).toContain('; stored');
      await app.cache.clear();
      const asked = await askTogether('/x/unshared', 5);
      expect(releases.length).toBe(1);
      release();
      await Promise.all(asked);
    });

    it('waits for other requests again once the handler has failed', async () => {
      await app.get('/x/unshared');
      await clock.advance(5_000);
      control = 'throw';
      expect((await app.get('/x/unshared')).status).toBe(500);
      const asked = await askTogether('/x/unshared', 5);
      expect(releases.length).toBe(1);
      release();
      await Promise.all(asked);
    });

    it('draws no conclusion from the response to an authenticated request', async () => {
      expect(statusOf(await app.get('/x/standard', { authorization: 'ann' }))).toContain(
        'detail=authorization',
      );
      const asked = await askTogether('/x/standard', 5);
      expect(releases.length).toBe(1);
      release();
      await Promise.all(asked);
    });

    it.each(['throw', 'status'])(
      'runs the handler once for all waiting requests when it fails (%s)',
      async (by) => {
        await app.get(`/x/failing?by=${by}`);
        const asked = await askTogether(`/x/failing?by=${by}`, 5);
        expect(releases.length).toBe(1);
        held = false;
        release();
        expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([
          503, 503, 503, 503, 503,
        ]);
      },
    );
  });

  it('answers an uncached request with the ETag of the stored response, and by 304', async () => {
    const head = await app.send('HEAD', '/x/plain');
    const { headers, body } = await app.get('/x/plain');
    expect(head.headers.etag).toBe(headers.etag);
    expect([head.headers['content-length'], head.headers['content-type']]).toEqual([
      headers['content-length'],
      headers['content-type'],
    ]);
    for (const value of ['max-age=0', 'no-cache']) {
      const forced = await app.get('/x/plain', { 'cache-control': value });
      expect([forced.body, forced.headers.etag, forced.headers['content-type']]).toEqual([
        body,
        headers.etag,
        headers['content-type'],
      ]);
      const reload = await app.get('/x/plain', {
        'cache-control': value,
        'if-none-match': String(headers.etag),
      });
      expect([reload.status, reload.body, reload.headers.etag]).toEqual([304, '', headers.etag]);
      expect(statusOf(reload)).toBe(`${NAME}; fwd=request; stored; ttl=60`);
    }
    expect(runs).toBe(5);
  });

  it('adds an ETag to a response that cannot be shared', async () => {
    const { status, headers, body } = await app.get('/x/text');
    expect([status, body, headers['cache-control']]).toEqual([200, 'words', 'private']);
    expect((await app.get('/x/text', { 'if-none-match': String(headers.etag) })).status).toBe(304);
    expect((await app.get('/x/text', { 'if-none-match': '"other"' })).body).toBe('words');
  });

  it('answers the request although a callback of the route throws', async () => {
    const { status, body, headers } = await app.get('/x/callback');
    expect([status, body, headers['cache-status']]).toEqual([
      200,
      '{"run":1}',
      `${NAME}; fwd=uri-miss; detail=callback`,
    ]);
  });

  it('adds no caching headers when the cache has a problem', async () => {
    const { body, headers } = await app.get('/x/trouble');
    expect([body, headers['cache-control'], headers['cache-status']]).toEqual([
      '{"run":1}',
      undefined,
      `${NAME}; fwd=bypass; detail=cache-error`,
    ]);
  });

  it('reports the reason for forwarding in Cache-Status, and none when nothing is forwarded', async () => {
    expect(statusOf(await app.get('/x/plain', { 'cache-control': 'only-if-cached' }))).toBe(
      `${NAME}; detail=only-if-cached`,
    );
    await app.get('/x/plain');
    await clock.advance(61_000);
    expect(statusOf(await app.get('/x/plain', { 'cache-control': 'max-age=5' }))).toBe(
      `${NAME}; fwd=miss; stored; ttl=60`,
    );
    expect(statusOf(await app.send('HEAD', '/x/plain'))).toBe(`${NAME}; hit; ttl=60`);
  });

  it('removes headers of the middleware from a hit when the handler has removed them', async () => {
    for (const status of ['stored', 'hit']) {
      const answer = await app.get('/x/removing');
      expect([answer.headers['x-middleware'], statusOf(answer)]).toEqual([
        undefined,
        expect.stringContaining(status),
      ]);
    }
    expect((await app.get('/x/plain')).headers['x-middleware']).toBe('1');
  });

  it('fails like without a cache when the handler emits no value', async () => {
    for (let i = 0; i < 2; i++) expect((await app.get('/x/empty')).status).toBe(500);
    expect(runs).toBe(2);
  });
});

/** Lets real sockets deliver; nothing is judged by how long it took. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
