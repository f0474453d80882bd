import { Controller, Get, Headers, HostParam, Param, Query, Req, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';

interface Rewritable {
  url: string;
  headers: Record<string, string | undefined>;
}
const tenantOf = ({ headers }: Rewritable): string => (headers.host ?? '').split('.')[0] ?? '';

@Controller({ host: ':tenant.example.com', path: 'items' })
class ByHost {
  @Get()
  @Cached()
  items(@HostParam('tenant') tenant: string): unknown {
    return { tenant };
  }
}

@Controller('hosted')
class Hosted {
  @Get()
  @Cached({ http: { host: true } })
  find(@Req() request: { host: string }): unknown {
    return { host: request.host };
  }
}

@Controller(':tenant/items')
class ByPath {
  @Get()
  @Cached()
  items(@Param('tenant') tenant: string, @Query('kind') kind = 'any'): unknown {
    return { tenant, kind };
  }
}

@Controller('q')
class Queries {
  @Get()
  @Cached({ http: { query: ['lang'] } })
  one(@Query('lang') lang: unknown): unknown {
    return { lang };
  }
  @Get('all')
  @Cached()
  all(@Query('lang') lang: unknown): unknown {
    return { lang };
  }
}

@Controller('cdn')
class ForCdns {
  @Get()
  @Cached({ http: { headers: ['Cookie'], cdn: {} } })
  find(@Headers('cookie') cookie = 'none'): unknown {
    return { cookie };
  }
}

describe.each(PLATFORMS)('a route on %s', (platform) => {
  let app: TestApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  const open = async (
    controllers: Type[],
    fastify: { trustProxy?: boolean; rewriteUrl?: (request: object) => string },
    express?: (app: NestExpressApplication) => void,
  ) =>
    (app = await startApp(platform, controllers, {
      ...(platform === 'fastify' && { adapter: new FastifyAdapter(fastify) }),
      configure: (nest) => {
        if (platform === 'express') express?.(nest as NestExpressApplication);
      },
    }));

  it('uses the host that the proxy was asked for in the key', async () => {
    const { get } = await open([ByHost, Hosted], { trustProxy: true }, (nest) =>
      nest.set('trust proxy', true),
    );
    for (const tenant of ['acme', 'beta', 'acme']) {
      const headers = { host: 'internal:8080', 'x-forwarded-host': `${tenant}.example.com` };
      expect((await get('/items', headers)).body).toBe(JSON.stringify({ tenant }));
      expect((await get('/hosted', headers)).body).toBe(
        JSON.stringify({ host: `${tenant}.example.com` }),
      );
    }
    expect(
      (await get('/items', { host: 'other', 'x-forwarded-host': 'ACME.example.com' })).headers[
        'cache-status'
      ],
    ).toContain('; hit');
  });

  it('uses the host of the request in the key when no proxy is trusted', async () => {
    const { get } = await open([ByHost, Hosted], {});
    for (const tenant of ['acme', 'beta', 'acme']) {
      const headers = {
        host: `${tenant}.example.com:8080`,
        'x-forwarded-host': 'evil.example.com',
      };
      expect((await get('/items', headers)).body).toBe(JSON.stringify({ tenant }));
      expect((await get('/hosted', headers)).body).toBe(
        JSON.stringify({ host: `${tenant}.example.com:8080` }),
      );
    }
  });

  it('uses the rewritten URL in the key', async () => {
    const rewrite = (request: Rewritable): string => `/${tenantOf(request)}${request.url}`;
    const { get, cache } = await open(
      [ByPath],
      { rewriteUrl: (request) => rewrite(request as Rewritable) },
      (nest) =>
        nest.use((request: Rewritable, _: unknown, next: () => void) => {
          request.url = rewrite(request);
          next();
        }),
    );
    for (const tenant of ['acme', 'beta', 'acme', 'beta']) {
      expect((await get('/items', { host: `${tenant}.example.com` })).body).toBe(
        JSON.stringify({ tenant, kind: 'any' }),
      );
    }
    expect(cache.stats().cache_hits).toBe(2);
  });

  it('uses the query of the rewritten URL in the key', async () => {
    const rewrite = (request: Rewritable): string => `/acme/items?kind=${tenantOf(request)}`;
    const { get } = await open(
      [ByPath],
      { rewriteUrl: (request) => rewrite(request as Rewritable) },
      (nest) =>
        nest.use((request: Rewritable, _: unknown, next: () => void) => {
          request.url = rewrite(request);
          next();
        }),
    );
    for (const kind of ['one', 'two', 'one']) {
      expect((await get('/items', { host: `${kind}.example.com` })).body).toBe(
        JSON.stringify({ tenant: 'acme', kind }),
      );
    }
  });

  it('keeps a query with more pairs than parsers read apart from the others', async () => {
    const { get } = await open([Queries], {});
    const filler = 'x&'.repeat(1_000);
    for (const path of ['/q', '/q/all']) {
      const long = (await get(`${path}?${filler}lang=de`)).body;
      const again = await get(`${path}?${filler}lang=de`);
      expect([again.body, again.headers['cache-status']]).toEqual([
        long,
        expect.stringContaining('; hit'),
      ]);
      expect((await get(`${path}?lang=de`)).body).toBe('{"lang":"de"}');
      expect((await get(`${path}?lang=de`)).headers['cache-status']).toContain('; hit');
    }
    expect((await get(`/q?${'x&'.repeat(999)}lang=en`)).body).toBe('{"lang":"en"}');
  });

  it('keeps a URL with a fragment apart, where its meaning is in doubt', async () => {
    const { get } = await open([Queries], {});
    await get('/q?x=1#&lang=de');
    await get('/q#?lang=de');
    expect((await get('/q?lang=de')).body).toBe('{"lang":"de"}');
    for (const same of ['/q?lang=de&x#1', '/q?lang=de&x#2'])
      expect((await get(same)).headers['cache-status']).toContain('; hit');
  });

  it('distinguishes names that a parser of nested queries reads differently', async () => {
    const { get } = await open([Queries], {}, (nest) => nest.set('query parser', 'extended'));
    const plain = (await get('/q')).body;
    await app?.cache.clear();
    await get('/q?[lang]=evil');
    expect((await get('/q')).body).toBe(plain);
    const [one, other] = ['[lang]=a&lang=b', 'lang=b&[lang]=a'];
    const first = (await get(`/q/all?${other}`)).body;
    await app?.cache.clear();
    await get(`/q/all?${one}`);
    expect((await get(`/q/all?${other}`)).body).toBe(first);
  });

  it('forbids the CDN to store a response whose key has a credential', async () => {
    const { get } = await open([ForCdns], {});
    for (let round = 0; round < 2; round++) {
      expect((await get('/cdn', { cookie: 'alice' })).headers['cdn-cache-control']).toBe(
        'no-store',
      );
      expect((await get('/cdn')).headers['cdn-cache-control']).toMatch(/^max-age=/);
    }
  });
});
