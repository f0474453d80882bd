import { Body, Controller, Get, Headers, Req } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpCacheOptions } from '../../../lib/nest/http/options.js';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';

let runs = 0;
let held: Promise<void> | undefined;
let app: TestApp | undefined;

async function answer(): Promise<object> {
  runs++;
  await held;
  return { run: runs };
}

function routes(http: HttpCacheOptions) {
  const cached = { ttl: '10m', http } as const;
  @Controller('b')
  class Routes {
    @Get('plain')
    @Cached(cached)
    plain() {
      return answer();
    }
    @Get('vary')
    @Cached({ ttl: '10m', http: { ...http, headers: ['accept-language'] } })
    vary() {
      return answer();
    }
    @Get('body')
    @Cached(cached)
    body(@Body() body: { name?: string } | undefined) {
      runs++;
      return { name: body?.name ?? 'none' };
    }
    @Get('ranged')
    @Cached(cached)
    ranged(@Headers('range') range: string | undefined) {
      runs++;
      return { range: range ?? 'all' };
    }
    @Get('whole')
    @Cached(cached)
    whole(@Req() request: { method: string }) {
      runs++;
      return { method: request.method };
    }
  }
  return Routes;
}

type Way = [name: string, path: string, headers: Record<string, string>, method?: string];

/** Everything that a client can add to a request without changing what it asks for. */
const WAYS: Way[] = [
  ['Range', '', { range: 'bytes=0-' }],
  ['a Range that is none', '', { range: 'x' }],
  ['If-Match: *', '', { 'if-match': '*' }],
  ['an If-Unmodified-Since that is none', '', { 'if-unmodified-since': 'x' }],
  ['a method override', '', { 'x-http-method-override': 'DELETE' }],
  ['no-store', '', { 'cache-control': 'no-store' }],
  ['HEAD', '', {}, 'HEAD'],
  ['1,001 pairs', `?${'a&'.repeat(1001)}`, {}],
  ['a fragment in the query', '?a#b', {}],
  ['a fragment after the path', '#b', {}],
];
const RELOADS = ['no-cache', 'max-age=0', 'max-age=0, must-revalidate', 'min-fresh=3000'];

afterEach(async () => {
  await app?.close();
  [app, held, runs] = [undefined, undefined, 0];
});

describe.each(PLATFORMS)('what a client adds to a request, on %s', (platform) => {
  const open = async (http: HttpCacheOptions): Promise<TestApp> =>
    (app = await startApp(platform, [routes(http)]));

  it.each(WAYS)(
    'changes nothing for a fresh response: %s',
    async (_name, suffix, headers, method) => {
      const { send, get } = await open({ query: [] });
      await get('/b/plain');
      for (let i = 0; i < 3; i++) {
        const { status } = await send(method ?? 'GET', `/b/plain${suffix}`, headers);
        expect([status, runs]).toEqual([200, 1]);
      }
    },
  );

  it('changes nothing for one byte of body', async () => {
    const { send, get } = await open({});
    await get('/b/plain');
    await send('GET', '/b/plain', { 'content-length': '1' }, 'x');
    expect(runs).toBe(1);
  });

  it.each(WAYS)('shares one run with everyone else when nothing is stored: %s', async (...way) => {
    const [, suffix, headers, method = 'GET'] = way;
    const { send, get } = await open({ query: [] });
    let release: () => void = () => undefined;
    held = new Promise((resolve) => (release = resolve));
    const asked = [0, 1, 2].map(() => send(method, `/b/plain${suffix}`, headers));
    asked.push(get('/b/plain'));
    while (runs === 0) await new Promise((resolve) => setImmediate(resolve));
    release();
    await Promise.all(asked);
    await get('/b/plain');
    expect(runs).toBe(1);
  });

  it.each(RELOADS)(
    'runs the handler once for all who reload by %s, and stores it',
    async (value) => {
      for (const path of ['/b/plain', '/b/vary']) {
        const { get } = app ?? (await open({}));
        const old = (await get(path)).body;
        let release: () => void = () => undefined;
        held = new Promise((resolve) => (release = resolve));
        const before = runs;
        const asked = Array.from({ length: 10 }, () => get(path, { 'cache-control': value }));
        while (runs === before) await new Promise((resolve) => setImmediate(resolve));
        expect((await get(path)).body).toBe(old);
        release();
        const answers = new Set((await Promise.all(asked)).map(({ body }) => body));
        expect([answers.size, runs]).toEqual([1, before + 1]);
        expect((await get(path)).body).toBe([...answers][0]);
      }
    },
  );

  it("answers reloads by what is stored with 'never'", async () => {
    const { get } = await open({ clientBypass: 'never' });
    await get('/b/plain');
    for (const value of [...RELOADS, 'only-if-cached'])
      await get('/b/plain', { 'cache-control': value });
    await get('/b/plain', { pragma: 'no-cache' });
    expect(runs).toBe(1);
  });

  it('goes to a handler that takes what was added, and keeps nothing of it', async () => {
    const { get, send } = await open({});
    const range = { range: 'bytes=1-' };
    expect((await get('/b/ranged', range)).headers['cache-status']).toContain('detail=range');
    await get('/b/ranged');
    expect((await get('/b/ranged', range)).body).toContain('bytes=1-');
    expect((await get('/b/ranged')).body).toContain('all');
    await get('/b/whole');
    const head = await send('HEAD', '/b/whole');
    expect([head.status, runs]).toEqual([200, 4]);
  });

  it('keeps nothing of a HEAD that the handler may answer in another way', async () => {
    const { get, send } = await open({});
    await send('HEAD', '/b/whole');
    expect((await get('/b/whole')).body).toContain('GET');
  });

  it("answers by what is stored with 'never', whatever the handler takes", async () => {
    const { get } = await open({ clientBypass: 'never' });
    const range = { range: 'bytes=1-' };
    expect((await get('/b/ranged', range)).body).toContain('bytes=1-');
    await get('/b/ranged');
    expect((await get('/b/ranged', range)).body).toContain('all');
    expect(runs).toBe(2);
  });

  it("gives every such request to the handler with 'always'", async () => {
    const { get } = await open({ clientBypass: 'always' });
    await get('/b/plain');
    let expected = 1;
    for (const [name, detail] of [
      ['range', 'range'],
      ['if-match', 'precondition'],
      ['x-http-method-override', 'method-override'],
    ] as const) {
      const { headers } = await get('/b/plain', { [name]: '*' });
      expect([headers['cache-status'], runs]).toEqual([
        `nest-query-cache; fwd=bypass; detail=${detail}`,
        ++expected,
      ]);
    }
    expect((await get('/b/plain')).body).toBe('{"run":1}');
  });

  it('judges If-Match and If-Unmodified-Since by the stored response', async () => {
    const { get } = await open({});
    const { etag } = (await get('/b/plain')).headers;
    // A weak tag is equal to none in the comparison that If-Match asks for.
    const failed = await get('/b/plain', { 'if-match': String(etag) });
    expect([failed.status, failed.body, runs]).toEqual([412, '', 1]);
    expect((await get('/b/plain', { 'if-match': '*' })).status).toBe(200);
  });
});
