import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { surrogateKeys } from '../../../lib/http/surrogate-keys.js';
import { ManualClock } from './manual-clock.js';
import { type Answer, Cached, PLATFORMS, startApp, type TestApp } from './support.js';

let calls = 0;
const EVIL = 'x\r\nset-cookie: a=b, c d';

@Controller('articles')
class Articles {
  @Get('evil')
  @Cached({ tags: [EVIL], http: { cdn: { tags: 'cache-tag' } } })
  evil(): unknown {
    return { calls: ++calls };
  }

  @Get('private')
  @Cached({ http: { cdn: {} } })
  @Header('cache-control', 'private')
  private(): unknown {
    return { calls: ++calls };
  }

  @Get('missing')
  @Cached({ http: { cdn: {} } })
  missing(): never {
    throw new NotFoundException();
  }

  @Get('own')
  @Cached({ http: { cdn: {} } })
  own(
    @Res({ passthrough: true }) response: { header(name: string, value: string): unknown },
  ): unknown {
    response.header('cdn-cache-control', 'max-age=7');
    return { calls: ++calls };
  }

  @Get('mine')
  @Cached({
    http: { cdn: {}, principal: ({ headers }) => headers.authorization as string | undefined },
  })
  mine(): unknown {
    return { calls: ++calls };
  }

  @Get('stale')
  @Cached({ ttl: '10s', staleWhileRevalidate: '1m', http: { cdn: { maxAge: '1d' } } })
  stale(): unknown {
    return { calls: ++calls };
  }

  @Get('broken-tags')
  @Cached({
    http: {
      tags: () => {
        throw new Error('no tags');
      },
    },
  })
  brokenTags(): unknown {
    return { calls: ++calls };
  }

  @Get(':id')
  @Cached({
    ttl: '1m',
    tags: ['articles'],
    http: {
      cacheControl: 'public',
      cdn: { maxAge: '1d', tags: 'surrogate-key' },
      tags: ({ params, query }) => [`article:${params.id ?? ''}`, `lang:${String(query.lang)}`],
    },
  })
  find(@Param('id') id: string): unknown {
    return { id, calls: ++calls };
  }
}

/**
 * A cache in front of the application that keeps what `CDN-Cache-Control` lets it, until a purge
 * names one of its words.
 */
class TinyCdn {
  readonly #kept = new Map<
    string,
    { readonly answer: Answer; readonly words: readonly string[] }
  >();
  constructor(private readonly origin: TestApp) {}

  async get(path: string): Promise<Answer & { readonly from: 'cdn' | 'origin' }> {
    const kept = this.#kept.get(path);
    if (kept !== undefined) return { ...kept.answer, from: 'cdn' };
    const answer = await this.origin.get(path);
    if (/^max-age=[1-9]/.test(String(answer.headers['cdn-cache-control']))) {
      this.#kept.set(path, {
        answer,
        words: String(answer.headers['surrogate-key'] ?? '').split(' '),
      });
    }
    return { ...answer, from: 'origin' };
  }

  /** As a CDN's API takes it: the same header as of a response. */
  purge(surrogateKey: string): void {
    const purged = surrogateKey.split(' ');
    for (const [path, { words }] of this.#kept)
      if (words.some((word) => purged.includes(word))) this.#kept.delete(path);
  }
}

describe.each(PLATFORMS)('a CDN in front, on %s', (platform) => {
  let app: TestApp;
  const clock = new ManualClock();

  beforeAll(async () => {
    app = await startApp(platform, [Articles], { cache: { clock } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    calls = 0;
    await app.cache.clear();
  });
  const said = ({ headers }: Answer): unknown[] => [
    headers['cdn-cache-control'],
    headers['surrogate-key'],
    headers['cache-tag'],
  ];

  it('sends the CDN the same tags that invalidate the cache', async () => {
    const cdn = new TinyCdn(app);
    const change = async (...tags: string[]): Promise<void> => {
      await app.cache.invalidate({ tags });
      cdn.purge(surrogateKeys(tags) ?? '');
    };
    for (const path of ['/articles/1?lang=de', '/articles/2?lang=de']) {
      expect((await cdn.get(path)).from).toBe('origin');
      expect((await cdn.get(path)).from).toBe('cdn');
    }
    await change('article:1');
    expect(await cdn.get('/articles/1?lang=de')).toMatchObject({
      from: 'origin',
      body: '{"id":"1","calls":3}',
    });
    expect(await cdn.get('/articles/2?lang=de')).toMatchObject({
      from: 'cdn',
      body: '{"id":"2","calls":2}',
    });
    await change('articles');
    expect(await cdn.get('/articles/1?lang=de')).toMatchObject({
      from: 'origin',
      body: '{"id":"1","calls":4}',
    });
    expect(await cdn.get('/articles/2?lang=de')).toMatchObject({
      from: 'origin',
      body: '{"id":"2","calls":5}',
    });
  });

  it('sends the CDN the same headers with a miss, a hit, a HEAD and a 304', async () => {
    const first = await app.get('/articles/1?lang=de');
    const expected = ['max-age=86400', 'articles article:1 lang:de', undefined];
    expect(said(first)).toEqual(expected);
    await clock.advance(20_000);
    const hit = await app.get('/articles/1?lang=de');
    expect([said(hit), hit.headers.age, hit.headers['cache-control']]).toEqual([
      expected,
      '20',
      'public, max-age=60',
    ]);
    expect(said(await app.send('HEAD', '/articles/1?lang=de'))).toEqual(expected);
    const unchanged = await app.get('/articles/1?lang=de', {
      'if-none-match': String(first.headers.etag),
    });
    expect([unchanged.status, said(unchanged)]).toEqual([304, expected]);
  });

  it('encodes tags so that none ends a header line or splits into two', async () => {
    const { headers } = await app.get('/articles/evil');
    expect([headers['cache-tag'], headers['set-cookie']]).toEqual([
      'x%0D%0Aset-cookie:%20a%3Db%2C%20c%20d',
      undefined,
    ]);
  });

  it.each([
    ['is private', '/articles/private', {}],
    ['is an error', '/articles/missing', {}],
    ['belongs to somebody', '/articles/mine', { authorization: 'a' }],
    ['went past the cache', '/articles/stale', { cookie: 'a=b' }],
  ] as [string, string, Record<string, string>][])(
    'forbids the CDN to store a response that %s',
    async (_why, path, headers) => {
      for (let i = 0; i < 2; i++)
        expect(said(await app.get(path, headers))).toEqual(['no-store', undefined, undefined]);
    },
  );

  it('forbids the CDN to store a stale response, even with a long maxAge', async () => {
    expect(said(await app.get('/articles/stale'))[0]).toBe('max-age=86400');
    await clock.advance(11_000);
    const stale = await app.get('/articles/stale');
    expect([stale.headers['cache-status'], said(stale)[0]]).toEqual([
      expect.stringContaining('detail=stale'),
      'no-store',
    ]);
    await app.cache.drain();
  });

  it('leaves a CDN-Cache-Control of the handler as it is', async () => {
    for (let i = 0; i < 2; i++) expect(said(await app.get('/articles/own'))[0]).toBe('max-age=7');
    expect(calls).toBe(1);
  });

  it('bypasses the cache when http.tags throws for a request', async () => {
    for (let i = 0; i < 2; i++) {
      const answer = await app.get('/articles/broken-tags');
      expect([answer.status, answer.headers['cache-status']]).toEqual([
        200,
        'nest-query-cache; fwd=bypass; detail=cache-error',
      ]);
    }
    expect(calls).toBe(2);
  });

  it('lets the CDN store responses of tenants only with tenants: by-url', async () => {
    for (const [tenants, expected] of [
      ['refuse', 'no-store'],
      ['by-url', 'max-age=30'],
    ] as const) {
      @Controller('tenants')
      class Tenants {
        @Get()
        @Cached({ ttl: '30s', http: { cdn: { tenants } } })
        all(): unknown {
          return {};
        }
      }
      const other = await startApp(platform, [Tenants], { cache: { tenant: () => 42 } });
      for (let i = 0; i < 2; i++) expect(said(await other.get('/tenants'))[0]).toBe(expected);
      await other.close();
    }
  });
});
