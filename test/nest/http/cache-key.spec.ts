import { Controller, Get, Header, Headers, Post, Param, Req } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HttpCacheOptions } from '../../../lib/nest/http/options.js';
import { BackendError } from '../../../lib/ports/errors.js';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';

let calls = 0;
const bearer = ({ headers }: { headers: Readonly<Record<string, unknown>> }): string | undefined =>
  typeof headers.authorization === 'string' ? headers.authorization : undefined;

@Controller()
class Routes {
  /** Answers with every header it got, the worst a handler can do. */
  @Get('echo')
  @Cached()
  echo(@Req() request: { headers: Record<string, string> }): unknown {
    calls++;
    return request.headers;
  }

  @Get('me/*')
  @Cached()
  me(@Req() request: { headers: Record<string, string> }): unknown {
    calls++;
    return { me: request.headers.authorization ?? request.headers.cookie ?? 'nobody' };
  }

  @Get('users/:id')
  @Cached()
  user(@Param('id') id: string): unknown {
    calls++;
    return { id };
  }

  @Get('language')
  @Cached({ http: { headers: ['Accept-Language'] } })
  language(@Headers('accept-language') language = 'none'): unknown {
    calls++;
    return { language };
  }

  @Post('language')
  @Cached()
  changeLanguage(): void {}

  @Get('vary')
  @Cached()
  @Header('vary', 'x-kind')
  vary(@Headers('x-kind') kind = 'none'): unknown {
    calls++;
    return { kind, calls };
  }

  @Post('vary')
  @Cached()
  changeVary(): void {}
}

/** One route for each way of saying how identity enters the key. */
const WAYS: Readonly<Record<string, HttpCacheOptions>> = {
  default: {},
  principal: { principal: bearer },
  headers: { headers: ['authorization', 'cookie'] },
  standard: { credentials: 'standard' },
  query: { query: [] },
  host: { host: true },
  statuses: { statuses: [200] },
  public: { cacheControl: 'public' },
};
class Owners {}
for (const [name, http] of Object.entries(WAYS)) {
  const handler = (request: { headers: Record<string, string> }): unknown => ({
    owner: request.headers.authorization ?? request.headers.cookie ?? 'nobody',
  });
  Object.defineProperty(Owners.prototype, name, {
    value: handler,
    writable: true,
    configurable: true,
  });
  const descriptor = Object.getOwnPropertyDescriptor(Owners.prototype, name) as PropertyDescriptor;
  Cached({ segment: `Owners.${name}`, http })(Owners.prototype, name, descriptor);
  Get(name)(Owners.prototype, name, descriptor);
  Req()(Owners.prototype, name, 0);
}
Controller('owners')(Owners);

describe.each(PLATFORMS)('on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp(platform, [Routes, Owners]);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    calls = 0;
    await app.cache.clear();
  });

  it('never answers a user with the response of another, however the route declares identity', async () => {
    const users: Record<string, string>[] = [
      { authorization: 'Bearer a' },
      { authorization: 'Bearer b' },
      { cookie: 'sid=a' },
      { cookie: 'sid=b' },
      {},
    ];
    for (const name of Object.keys(WAYS)) {
      // Cookies are not credentials there: that is what the option says.
      const asking =
        name === 'standard' ? users.filter(({ cookie }) => cookie === undefined) : users;
      for (let round = 0; round < 3; round++) {
        for (const headers of asking) {
          const { owner } = JSON.parse((await app.get(`/owners/${name}`, headers)).body) as {
            owner: string;
          };
          const own = headers.authorization ?? headers.cookie ?? 'nobody';
          // What was answered to nobody in particular may be given to everybody (RFC 9111 section
          // 3.5).
          expect(name === 'standard' ? [own, 'nobody'] : [own], name).toContain(owner);
        }
      }
    }
  });

  it('bypasses the cache for credentials unless the route declares how they enter the key', async () => {
    for (const headers of [{ authorization: 'x' }, { cookie: 'a=b' }] as Record<string, string>[]) {
      expect((await app.get('/owners/default', headers)).headers['cache-status']).toBe(
        'nest-query-cache; fwd=bypass; detail=credentials',
      );
      await app.get('/owners/headers', headers);
      expect((await app.get('/owners/headers', headers)).headers['cache-status']).toContain(
        '; hit',
      );
    }
  });

  it.each([0, 1, 2, 3, 4])(
    'answers a plain request the same whatever headers earlier requests had, %i',
    async (part) => {
      const names = Array.from({ length: 200 }, (_, i) => `x-canary-${String(part * 200 + i)}`);
      const known =
        'x-forwarded-host,x-forwarded-proto,x-forwarded-for,x-host,forwarded,x-original-url,x-rewrite-url,accept,accept-language,user-agent,origin,referer';
      const sweep = async (name: string): Promise<void> => {
        const path = `/users/${name}`;
        await app.get(path, { [name]: 'canary' });
        const clean = await app.get(path);
        expect(clean.headers['cache-status']).toContain('; hit');
        expect(JSON.stringify([clean.body, clean.headers])).not.toContain('canary"');
      };
      const all = part === 0 ? [...known.split(','), ...names] : names;
      for (let i = 0; i < all.length; i += 50) await Promise.all(all.slice(i, i + 50).map(sweep));
      expect(calls).toBe(all.length);
    },
  );

  it('never answers a path that looks like a file with a response of a user', async () => {
    const tails =
      'x.css x.js a.png x.ico ;x.css %2fx.css %2Fx.css ..%2fx.css x%00.css x%0a.css x%23.css x%3f.css x. x/. x/.. x// x.css/ X.CSS x%2ecss'.split(
        ' ',
      );
    const extra =
      'static/a assets/b.js robots.txt favicon.ico index.html a;jsessionid=1 %61 %5c %2e%2e~ .well-known/x x.woff2 x.svg x.map x.txt x.xml x.json'.split(
        ' ',
      );
    for (const tail of [...tails, ...extra, 'a%252f', 'b%25%32%66', 'c?x.css', 'd?', 'e?;x.css']) {
      const victim = await app.get(`/me/${tail}`, { authorization: 'Bearer victim' });
      const attacker = await app.get(`/me/${tail}`);
      expect(attacker.body, tail).not.toContain('victim');
      if (victim.status === 200) expect(victim.headers['cache-status']).toContain('fwd=bypass');
    }
  });

  it('stores a response per value of declared headers, and names them in Vary', async () => {
    for (const language of ['de', 'en', 'de', 'en']) {
      const answer = await app.get('/language', { 'accept-language': language });
      expect([answer.body, answer.headers.vary]).toEqual([
        `{"language":"${language}"}`,
        'accept-language',
      ]);
    }
    expect(calls).toBe(2);
    await app.send('POST', '/language');
    await app.get('/language', { 'accept-language': 'de' });
    await app.get('/language', { 'accept-language': 'en' });
    expect(calls).toBe(4);
  });

  it('selects variants by Vary, and finds none after an invalidation', async () => {
    for (const kind of ['a', 'b', 'a', 'b'])
      expect(JSON.parse((await app.get('/vary', { 'x-kind': kind })).body)).toMatchObject({ kind });
    expect(calls).toBe(2);
    expect((await app.get('/vary', { 'x-kind': 'c' })).headers['cache-status']).toContain(
      'fwd=vary-miss',
    );
    await app.send('POST', '/vary');
    for (const kind of ['a', 'b']) await app.get('/vary', { 'x-kind': kind });
    expect(calls).toBe(5);
  });
});

describe.each(PLATFORMS)('trouble of the cache on %s', (platform) => {
  it('fails no request when the backend fails or the cache is closed', async () => {
    const backend = new MemoryBackend();
    const broken = {
      get: () => Promise.reject(new BackendError('FAILED', 'get')),
      set: () => Promise.reject(new BackendError('FAILED', 'set')),
    };
    for (const cache of [{ backend: broken }, { backend, tenancy: 'required' as const }]) {
      const app = await startApp(platform, [Routes], { cache });
      expect((await app.get('/users/1')).body).toBe('{"id":"1"}');
      expect((await app.get('/users/1')).status).toBe(200);
      expect((await app.send('HEAD', '/users/1')).status).toBe(200);
      expect((await app.send('POST', '/language')).status).toBe(201);
      await app.cache.close();
      expect((await app.get('/users/1')).body).toBe('{"id":"1"}');
      await app.close();
    }
  });

  it('warns once per route when the cache requires a tenant and there is none', async () => {
    const warnings: string[] = [];
    const log = {
      log: () => undefined,
      error: () => undefined,
      warn: (line: unknown) => void warnings.push(String(line)),
    };
    const app = await startApp(platform, [Routes], {
      cache: { tenancy: 'required', tenant: () => undefined },
      configure: (nest) => {
        nest.useLogger(log);
      },
    });
    for (const path of ['/users/1', '/users/2', '/vary']) {
      expect((await app.get(path)).headers['cache-status']).toBe(
        'nest-query-cache; fwd=bypass; detail=no-tenant',
      );
    }
    await app.close();
    const ours = warnings.filter((line) => line.includes('no tenant'));
    expect(ours).toEqual(
      ['user', 'vary'].map((name): unknown =>
        expect.stringContaining(`responses of Routes.${name} are not cached: cache 'default'`),
      ),
    );
    expect(ours[0]).toContain('CacheModule.forRoot({ tenant: () => ... })');
    warnings.length = 0;
    const never = await startApp(platform, [Routes], {
      cache: { tenancy: 'required' },
      configure: (nest) => {
        nest.useLogger(log);
      },
    });
    await never.close();
    expect(
      warnings.filter((line) => line.includes('has no tenant resolver')).length,
    ).toBeGreaterThanOrEqual(5);
  });
});
