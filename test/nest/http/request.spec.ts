import { connect } from 'node:http2';
import {
  Body,
  Controller,
  Get,
  Headers,
  HostParam,
  Param,
  Post,
  Query,
  Req,
  type Type,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
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

interface Asked {
  readonly protocol: string;
  readonly hostname: string;
  readonly headers: { readonly host?: string };
}

@Controller('bodies')
class Bodies {
  @Get()
  @Cached()
  find(@Body() body: unknown): unknown {
    return { given: body !== undefined };
  }
}

@Controller('uri')
class Uris {
  @Get()
  @Cached({ http: { cdn: {} } })
  find(@Req() { protocol, hostname, headers }: Asked): unknown {
    return { uri: `${protocol}://${hostname}/reset`, received: headers.host };
  }

  @Get('shared')
  @Cached({ http: { host: false } })
  shared(): unknown {
    return { shared: true };
  }

  @Post()
  @Cached()
  change(): void {}
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
      (await get('/items', { host: 'Internal:8080', 'x-forwarded-host': 'ACME.example.com' }))
        .headers['cache-status'],
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

  it('uses scheme and host in the key unless the route shares its responses among hosts', async () => {
    const { get, send } = await open([Uris], { trustProxy: true }, (nest) =>
      nest.set('trust proxy', true),
    );
    const requests = ['http', 'https'].flatMap((scheme) =>
      ['evil.example', 'shop.example', 'shop.example:8080'].flatMap((host) =>
        ['shop.example', 'inner.example'].map((received) => ({
          host: received,
          'x-forwarded-host': host,
          'x-forwarded-proto': scheme,
        })),
      ),
    );
    for (const status of ['stored', '; hit']) {
      for (const headers of requests) {
        const { body, headers: got } = await get('/uri', headers);
        const uri = `${headers['x-forwarded-proto']}://${
          headers['x-forwarded-host'].split(':')[0] ?? ''
        }/reset`;
        expect(JSON.parse(body)).toEqual({ uri, received: headers.host });
        expect(got['cache-status']).toContain(status);
      }
    }
    expect((await get('/uri', { host: 'CASE.example' })).headers['cache-status']).toContain(
      'stored',
    );
    expect((await get('/uri', { host: 'case.EXAMPLE' })).headers['cache-status']).toContain(
      '; hit',
    );
    await get('/uri/shared', { host: 'one.example' });
    expect((await get('/uri/shared', { host: 'two.example' })).headers['cache-status']).toContain(
      '; hit',
    );
    // The target URI of an unsafe method is one of a host, too (RFC 9111 section 4.4).
    await send('POST', '/uri', { host: 'shop.example' });
    for (const [host, status] of [
      ['shop.example', 'stored'],
      ['other.example', 'stored'],
    ] as const)
      expect((await get('/uri', { host })).headers['cache-status']).toContain(status);
    await send('POST', '/uri', { host: 'shop.example' });
    expect((await get('/uri', { host: 'other.example' })).headers['cache-status']).toContain(
      '; hit',
    );
  });

  it('remembers no URI longer than it should, and mixes none up', async () => {
    const { get } = await open([Uris], {});
    const hosts = Array.from({ length: 270 }, (_, i) => `${'a'.repeat(i % 250)}${String(i)}.x`);
    for (const host of [...hosts, ...hosts.slice(0, 5), ...hosts.slice(-5)])
      expect(JSON.parse((await get('/uri', { host })).body)).toMatchObject({ received: host });
  });

  it('bypasses the cache for a body in chunks, which has no Content-Length', async () => {
    const { send } = await open([Uris], {});
    for (let i = 0; i < 2; i++) {
      const answer = await send('GET', '/uri', { 'transfer-encoding': 'chunked' }, 'x');
      expect(answer.headers['cache-status']).toContain('fwd=bypass; detail=body');
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

describe('a route over HTTP/2', () => {
  it('reaches a handler that takes the body, which needs no Content-Length, for a body alone', async () => {
    const adapter = new FastifyAdapter({ http2: true } as object);
    const app = await startApp('fastify', [Bodies], { adapter });
    const session = connect(`http://127.0.0.1:${String(app.port)}`);
    onTestFinished(async () => {
      session.close();
      await app.close();
    });
    const ask = (headers: Record<string, string>, body?: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request(
          { ':path': '/bodies', ...headers },
          { endStream: body === undefined },
        );
        stream.on('response', (got) => resolve(String(got['cache-status'])));
        stream.on('error', reject);
        stream.resume();
        if (body !== undefined) stream.end(body);
      });
    expect(await ask({})).toContain('stored');
    expect(await ask({}, 'body')).toContain('fwd=bypass; detail=body');
    expect(await ask({ 'content-length': '4' }, 'body')).toContain('fwd=bypass; detail=body');
    expect(await ask({})).toContain('; hit');
  });

  it('uses the authority in the key', async () => {
    const adapter = new FastifyAdapter({ http2: true } as object);
    const app = await startApp('fastify', [Uris], { adapter });
    const session = connect(`http://127.0.0.1:${String(app.port)}`);
    onTestFinished(async () => {
      session.close();
      await app.close();
    });
    const ask = (authority: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': '/uri', ':authority': authority });
        let text = '';
        stream.setEncoding('utf8').on('data', (more: string) => (text += more));
        stream.on('end', () => resolve(text)).on('error', reject);
      });
    for (const host of ['evil.example', 'shop.example', 'evil.example'])
      expect(JSON.parse(await ask(host))).toMatchObject({ uri: `http://${host}/reset` });
  });
});
