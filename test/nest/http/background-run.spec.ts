import { connect, type Socket } from 'node:net';
import { Controller, Get, Header, Res } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/redis.js';
import { ManualClock } from './manual-clock.js';
import { type Answer, Cached, PLATFORMS, startApp, type TestApp } from './support.js';

interface PassthroughResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  type(value: string): unknown;
  getHeader(name: string): unknown;
}

let runs = 0;
let held = false;
let release: (() => void) | undefined;
let unblock: () => void = () => undefined;
let seen: unknown[] = [];

@Controller('fresh')
class Refreshed {
  @Get('plain')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1h' })
  plain(): unknown {
    return { run: ++runs };
  }

  @Get('ahead')
  @Cached({ ttl: '10s', refreshAhead: 0.5 })
  ahead(): unknown {
    return { run: ++runs };
  }

  @Get('csv')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1h' })
  async csv(@Res({ passthrough: true }) response: PassthroughResponse): Promise<string> {
    const run = ++runs;
    seen.push(response.getHeader('x-made'));
    if (held) await new Promise<void>((resolve) => (release = resolve));
    response.type('text/csv');
    response.header('content-disposition', 'attachment');
    response.header('vary', 'x-kind');
    response.header('x-made', String(run));
    if (run === 1) response.header('x-once', '1');
    return `a,${String(run)}`;
  }

  @Get('public')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1h', http: { cacheControl: 'public' } })
  public(): unknown {
    return { run: ++runs };
  }

  @Get('own')
  @Cached({ ttl: '1m', staleWhileRevalidate: '1h' })
  @Header('cache-control', 'max-age=10')
  own(): unknown {
    return { run: ++runs };
  }

  @Get('found')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1h' })
  found(@Res({ passthrough: true }) response: PassthroughResponse): unknown {
    if (++runs === 1) response.status(404);
    return { run: runs };
  }

  @Get('soft')
  @Cached({ ttl: '10s', staleIfError: '1h', producerTimeout: { soft: '2s' } })
  async soft(@Res({ passthrough: true }) response: PassthroughResponse): Promise<unknown> {
    const run = ++runs;
    response.header('x-before', String(run));
    if (held) await new Promise<void>((resolve) => (release = resolve));
    response.status(203);
    response.header('x-after', String(run));
    return { run };
  }

  @Get('brief')
  @Cached({ ttl: '10s', staleWhileRevalidate: '5s' })
  async brief(): Promise<unknown> {
    const run = ++runs;
    if (held) await new Promise<void>((resolve) => (release = resolve));
    return { run };
  }

  @Get('blocking')
  async blocking(): Promise<unknown> {
    await new Promise<void>((resolve) => (unblock = resolve));
    return 'unblocked';
  }
}

describe.each(PLATFORMS)('a refresh on %s', (platform) => {
  let app: TestApp;
  const clock = new ManualClock();
  const sockets: Socket[] = [];

  beforeAll(async () => {
    app = await startApp(platform, [Refreshed], { cache: { clock } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await app.cache.clear();
    [runs, held, release, seen] = [0, false, undefined, []];
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** The second answer; the third comes from what the refresh stored. */
  const refreshed = async (
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ first: Answer; stale: Answer; third: Answer }> => {
    const first = await app.get(path);
    await clock.advance(11_000);
    const stale = await app.get(path, headers);
    await app.cache.drain();
    return { first, stale, third: await app.get(path) };
  };

  it('gives the refreshed body an ETag of its own', async () => {
    const { first, stale, third } = await refreshed('/fresh/plain');
    expect([stale.headers.etag, third.body]).toEqual([first.headers.etag, '{"run":2}']);
    expect(third.headers.etag).not.toBe(first.headers.etag);
    const answer = await app.get('/fresh/plain', { 'if-none-match': String(first.headers.etag) });
    expect([answer.status, answer.body]).toEqual([200, '{"run":2}']);
  });

  it('gives a body that is refreshed ahead an ETag of its own', async () => {
    const first = await app.get('/fresh/ahead');
    await clock.advance(9_500);
    await app.get('/fresh/ahead');
    await app.cache.drain();
    const answer = await app.get('/fresh/ahead', { 'if-none-match': String(first.headers.etag) });
    expect([answer.status, answer.body, answer.headers.age]).toEqual([200, '{"run":2}', '0']);
  });

  it('stores the headers that the handler sets now, and none of the stale response', async () => {
    const { first, third } = await refreshed('/fresh/csv');
    const said = ({ headers }: Answer): unknown[] => [
      headers['content-type'],
      headers['content-disposition'],
      headers.vary,
    ];
    expect(said(third)).toEqual(said(first));
    expect([third.body, third.headers['x-made'], third.headers['x-once']]).toEqual([
      'a,2',
      '2',
      undefined,
    ]);
    // Nor does the handler meet the stale answer.
    expect(seen).toEqual([undefined, undefined]);
  });

  it.each(['public', 'own'])(
    'ignores the freshness that the stale response declares (%s)',
    async (path) => {
      await app.get(`/fresh/${path}`);
      for (let run = 2; run < 5; run++) {
        await clock.advance(11_000);
        await app.get(`/fresh/${path}`);
        await app.cache.drain();
        const { body, headers } = await app.get(`/fresh/${path}`);
        expect([body, headers.age, headers['cache-status']]).toEqual([
          `{"run":${String(run)}}`,
          '0',
          expect.stringMatching(/; hit; ttl=10$/),
        ]);
      }
    },
  );

  it('stores the refreshed response although the stale one was sent as a 304', async () => {
    const first = await app.get('/fresh/plain');
    await clock.advance(11_000);
    expect(
      (await app.get('/fresh/plain', { 'if-none-match': String(first.headers.etag) })).status,
    ).toBe(304);
    await app.cache.drain();
    const { status, body, headers } = await app.get('/fresh/plain');
    expect([status, body, headers['cache-status'], runs]).toEqual([
      200,
      '{"run":2}',
      expect.stringMatching(/; hit; ttl=10$/),
      2,
    ]);
  });

  it('stores the status of the refresh', async () => {
    const { first, stale, third } = await refreshed('/fresh/found');
    expect([first.status, stale.status, third.status, third.body]).toEqual([
      404,
      404,
      200,
      '{"run":2}',
    ]);
  });

  it('starts with a new age after every refresh', async () => {
    await app.get('/fresh/plain');
    for (let round = 0; round < 3; round++) {
      await clock.advance(11_000);
      expect((await app.get('/fresh/plain')).headers.age).toBe('11');
      await app.cache.drain();
    }
    expect((await app.get('/fresh/plain')).headers.age).toBe('0');
  });

  /** A request whose answer cannot go out: the one before it on its connection has none. */
  const stuck = async (path: string): Promise<{ text(): string }> => {
    let text = '';
    const socket = connect(app.port, '127.0.0.1');
    const host = `Host: 127.0.0.1:${String(app.port)}\r\n`;
    sockets.push(socket);
    socket.setEncoding('utf8').on('data', (more: string) => (text += more));
    unblock = () => undefined;
    const idle = unblock;
    socket.write(
      ['/fresh/blocking', path].map((target) => `GET ${target} HTTP/1.1\r\n${host}\r\n`).join(''),
    );
    await until(() => unblock !== idle);
    return { text: () => text };
  };

  it('finishes the refresh although a client does not read the stale response', async () => {
    await app.get('/fresh/csv');
    await clock.advance(11_000);
    const { cache_refreshes: before } = app.cache.stats();
    const client = await stuck('/fresh/csv');
    await until(() => app.cache.stats().cache_refreshes > before);
    await settled();
    await clock.advance(100);
    await app.cache.drain();
    const answer = await app.get('/fresh/csv');
    expect([answer.body, answer.headers['x-made'], answer.headers['cache-status']]).toEqual([
      'a,2',
      '2',
      expect.stringMatching(/; hit; ttl=10$/),
    ]);
    unblock();
    await until(() => client.text().includes('a,1'));
    expect(client.text()).toContain('x-made: 1');
    expect(client.text()).not.toContain('x-made: 2');
  });

  it('does not wait for a response that its client never reads', async () => {
    await app.get('/fresh/brief');
    await clock.advance(11_000);
    held = true;
    const { cache_refreshes: before } = app.cache.stats();
    await stuck('/fresh/brief');
    await until(() => app.cache.stats().cache_refreshes > before);
    await settled();
    // The stale window ends: now there is nothing to answer with.
    await clock.advance(5_000);
    const waiting = app.get('/fresh/brief');
    await until(() => release !== undefined);
    release?.();
    expect((await waiting).body).toBe('{"run":2}');
    expect(runs).toBe(2);
  });

  it('stores the result of a slow handler and leaves the stale response unchanged', async () => {
    await app.get('/fresh/soft');
    await clock.advance(11_000);
    held = true;
    const client = await stuck('/fresh/soft');
    await until(() => release !== undefined);
    await clock.advance(2_000);
    await settled();
    release?.();
    await app.cache.drain();
    held = false;
    const answer = await app.get('/fresh/soft');
    expect([
      answer.status,
      answer.body,
      answer.headers['x-before'],
      answer.headers['x-after'],
    ]).toEqual([203, '{"run":2}', '2', '2']);
    unblock();
    await until(() => client.text().includes('{"run":1}'));
    expect(client.text()).toMatch(/x-before: 1\r\n/);
    expect(client.text()).toMatch(/x-after: 1\r\n/);
  });
});

/** Lets real sockets deliver; nothing is judged by how long it took. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
