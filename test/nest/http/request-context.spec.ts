import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Header,
  Post,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  type Type,
} from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Cacheable } from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

let runs = 0;

/** What JavaScript, or a cast, lets through. */
const PRINCIPALS: Readonly<Record<string, unknown>> = {
  empty: '',
  object: { id: 1 },
  promise: Promise.resolve('ann'),
  nan: NaN,
  flag: true,
  number: 7,
  bigint: 7n,
};

@Controller('routes')
class Routes {
  @Get('unsaid')
  @Cacheable()
  async unsaid(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('said')
  @Cacheable({ http: { credentials: 'bypass' } })
  async said(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('undefined')
  @Cacheable({ http: { principal: () => undefined } })
  async nobody(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('null')
  @Cacheable({ http: { principal: () => null as unknown as undefined } })
  async none(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('throwing')
  @Cacheable({ http: { principal: (request) => (request.user as { id: string }).id } })
  async throwing(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('given')
  @Cacheable({ http: { principal: ({ query }) => PRINCIPALS[String(query.as)] as string } })
  async given(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('stream')
  @Cacheable()
  async stream(): Promise<StreamableFile> {
    runs++;
    return new StreamableFile(Readable.from([Buffer.from('streamed')]));
  }
  @Get('vary')
  @Cacheable()
  async vary(
    @Res({ passthrough: true }) response: { header(name: string, value: string): void },
  ): Promise<{ run: number }> {
    response.header('vary', '*');
    return { run: ++runs };
  }
  @Get('private')
  @Cacheable()
  @Header('cache-control', 'private')
  async private(): Promise<{ run: number }> {
    return { run: ++runs };
  }
}

@Controller('class')
@Cacheable({ ttl: '1m' })
class WholeClass {
  @Sse('sse')
  sse(): Observable<object> {
    return of({ data: 'one' });
  }
  @Get('res')
  res(
    @Res()
    response: {
      raw?: { end(text: string): void };
      hijack?(): void;
      end?(text: string): void;
    },
  ): void {
    response.hijack?.();
    (response.raw ?? (response as { end(text: string): void })).end('by hand');
  }
  @Get('redirect')
  @Redirect('/there', 302)
  redirect(): void {}
  @Get()
  async find(): Promise<string> {
    return 'found';
  }
  @Post()
  async post(): Promise<string> {
    return 'posted';
  }
}

const NAME = 'nest-query-cache';

const ALICE = { headers: { authorization: 'Bearer alice' } };

describe.each(['express', 'fastify'] as const)(
  'a request that bypasses the cache on %s',
  (platform) => {
    const open = async (controllers: Type[], providers: object[] = []) => {
      runs = 0;
      const { app, lines } = await start({ controllers, platform, providers: providers as [] });
      const visit = await listen(app);
      const statusOf = async (path: string, init?: RequestInit): Promise<string | null> =>
        (await visit(path, init)).headers.get('cache-status');
      return { app, lines, visit, statusOf };
    };

    it('bypasses the cache with credentials outside the key, and warns once per route', async () => {
      const { lines, statusOf } = await open([Routes]);
      for (let i = 0; i < 3; i++) {
        expect(await statusOf('/routes/unsaid', ALICE)).toBe(
          `${NAME}; fwd=bypass; detail=credentials`,
        );
        expect(await statusOf('/routes/unsaid', { headers: { cookie: 'sid=1' } })).toBe(
          `${NAME}; fwd=bypass; detail=credentials`,
        );
      }
      expect(runs).toBe(6);
      expect(lines.warnings).toEqual([
        expect.stringMatching(
          /Routes\.unsaid carries credentials.*principal: \(request\).*credentials: 'bypass'.*'ignore'.*'standard'/,
        ),
      ]);
    });

    it('bypasses the cache without a warning where the route asks for it', async () => {
      const { lines, statusOf } = await open([Routes]);
      expect(await statusOf('/routes/said', ALICE)).toBe(`${NAME}; fwd=bypass; detail=credentials`);
      expect(lines.warnings).toEqual([]);
    });

    it('bypasses the cache with credentials for which http.principal returns nothing', async () => {
      const { lines, statusOf } = await open([Routes]);
      for (const path of ['/routes/undefined', '/routes/null']) {
        for (let i = 0; i < 2; i++)
          expect(await statusOf(path, ALICE)).toBe(`${NAME}; fwd=bypass; detail=credentials`);
        expect(await statusOf(path)).toContain('stored');
      }
      expect(lines.warnings).toEqual(
        ['nobody', 'none'].map((name): unknown =>
          expect.stringContaining(
            `Routes.${name} carries credentials, but http.principal returned undefined`,
          ),
        ),
      );
    });

    it('bypasses the cache and is answered when http.principal throws', async () => {
      const { lines, visit } = await open([Routes]);
      for (const run of [1, 2]) {
        const { status, text, headers } = await visit('/routes/throwing');
        expect([status, text, headers.get('cache-status')]).toEqual([
          200,
          `{"run":${String(run)}}`,
          `${NAME}; fwd=bypass; detail=principal`,
        ]);
      }
      expect(lines.warnings).toEqual([
        expect.stringMatching(
          /http\.principal of Routes\.throwing failed: .*Return undefined for an anonymous request/,
        ),
      ]);
    });

    it.each([
      ['empty', 'an empty string'],
      ['object', 'an object|an instance of Object'],
      ['promise', 'an instance of Promise'],
      ['nan', 'NaN'],
      ['flag', 'true'],
    ])('bypasses the cache when http.principal returns no usable string: %s', async (as, shown) => {
      const { lines, statusOf } = await open([Routes]);
      for (const init of [ALICE, ALICE, {}]) {
        expect(await statusOf(`/routes/given?as=${as}`, init)).toBe(
          `${NAME}; fwd=bypass; detail=principal`,
        );
      }
      expect(lines.warnings).toEqual([
        expect.stringMatching(
          new RegExp(
            `http\\.principal of Routes\\.given failed: expected a non-empty string, got (${shown})\\.`,
          ),
        ),
      ]);
    });

    it.each(['number', 'bigint'])('is cached when http.principal returns a %s', async (as) => {
      const { lines, statusOf } = await open([Routes]);
      expect(await statusOf(`/routes/given?as=${as}`, ALICE)).toContain('stored');
      expect(await statusOf(`/routes/given?as=${as}`, ALICE)).toContain('hit');
      expect(lines.warnings).toEqual([]);
    });

    it.each([
      [
        'stream',
        'stream',
        /Routes\.stream answers with a stream, bytes or an error.*@NoCache.*what goes out as text/,
      ],
      ['vary', 'vary-star', /Routes\.vary answers with Vary: \*.*Name the request headers/],
    ])('warns once of a response that can never be cached: %s', async (path, detail, warning) => {
      const { lines, statusOf } = await open([Routes]);
      for (let i = 0; i < 3; i++)
        expect(await statusOf(`/routes/${path}`)).toBe(`${NAME}; fwd=bypass; detail=${detail}`);
      const together = await Promise.all([1, 2, 3].map(() => statusOf(`/routes/${path}`)));
      expect(new Set(together)).toEqual(new Set([`${NAME}; fwd=bypass; detail=${detail}`]));
      expect(runs).toBe(6);
      expect(lines.warnings).toEqual([expect.stringMatching(warning)]);
    });

    it('reports a miss for a response that declares itself uncacheable', async () => {
      const { lines, statusOf } = await open([Routes]);
      expect(await statusOf('/routes/private')).toBe(`${NAME}; fwd=uri-miss; detail=private`);
      expect(lines.warnings).toEqual([]);
    });

    it('warns at start of every handler of a cached class that can never be cached', async () => {
      const { lines, visit, statusOf } = await open([WholeClass]);
      expect(await statusOf('/class/redirect', { redirect: 'manual' })).toBe(
        `${NAME}; fwd=bypass; detail=redirect`,
      );
      expect(await visit('/class/sse')).toMatchObject({
        status: 200,
        text: expect.stringContaining('data: one') as string,
      });
      expect((await visit('/class/res')).text).toBe('by hand');
      expect(await statusOf('/class/sse')).toBe(`${NAME}; fwd=bypass; detail=sse`);
      // A handler that takes its response away from Fastify (hijack) takes away what is set on it
      // as well.
      expect(await statusOf('/class/res')).toBe(
        platform === 'express' ? `${NAME}; fwd=bypass; detail=res` : null,
      );
      expect(await statusOf('/class', { method: 'POST' })).toBe(`${NAME}; fwd=method`);
      expect(await statusOf('/class')).toContain('fwd=uri-miss; stored');
      expect(lines.warnings).toEqual([
        expect.stringMatching(/WholeClass\.sse sends server-sent events.*@NoCache\(\)/),
        expect.stringMatching(/WholeClass\.res sends its response itself.*@NoCache\(\)/),
        expect.stringMatching(/WholeClass\.redirect redirects by decorator.*@NoCache\(\)/),
      ]);
    });
  },
);
