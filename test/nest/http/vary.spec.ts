import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  type INestApplication,
  Req,
  Res,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheService } from '../../../lib/index.js';
import { FakeClock } from '../../../lib/testing.js';
import { listen, start } from '../http-application.js';

type Fields = Readonly<Record<string, string | undefined>>;
interface Asked {
  readonly headers: Fields;
  readonly raw?: { readonly headers: Fields };
}
interface Response {
  header(name: string, value: string): unknown;
}

const Theme = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<Asked>().headers['x-theme'],
);

let release: (() => void) | undefined;
let kept: Asked | undefined;

@Controller()
@Cacheable({ ttl: '1m', staleWhileRevalidate: '1m', jitter: 0 })
class Routes {
  @Get('get')
  async get(@Req() { headers }: Asked): Promise<object> {
    return { got: headers['x-theme'], other: headers['X-Theme'] };
  }

  @Get('has')
  async has(@Req() { headers }: Asked): Promise<object> {
    return { got: 'x-theme' in headers };
  }

  @Get('own')
  async own(@Req() { headers }: Asked): Promise<object> {
    return { got: Object.hasOwn(headers, 'x-theme') };
  }

  @Get('raw')
  async raw(@Req() asked: Asked): Promise<object> {
    return { got: (asked.raw ?? asked).headers['x-theme'] };
  }

  @Get('decorator')
  async decorator(@Theme() theme: string): Promise<object> {
    return { got: theme };
  }

  @Get('later')
  async later(@Req() { headers }: Asked): Promise<object> {
    await Promise.resolve();
    return { got: headers['x-theme'] };
  }

  @Get('added')
  async added(
    @Req() { headers }: Asked,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    response.header('vary', 'Accept, X-Theme');
    return { got: headers['x-theme'], lang: headers['accept-language'] };
  }

  @Get('all')
  async all(@Req() { headers }: Asked): Promise<object> {
    return { got: Object.keys({ ...headers }).length > 0, theme: headers['x-theme'] };
  }

  @Get('covered')
  @Cacheable({ http: { headers: ['x-theme'] } })
  async covered(@Req() { headers }: Asked): Promise<object> {
    const { host, range, authorization, cookie, 'x-theme': theme } = headers;
    return { host, range, authorization, cookie, theme };
  }

  @Get('ignored')
  @Cacheable({ http: { credentials: 'ignore' } })
  async ignored(@Req() { headers }: Asked): Promise<object> {
    return { got: headers.cookie };
  }

  @Get('known')
  @Cacheable({ http: { knownInputs: ['@Req()'] } })
  async known(@Req() { headers }: Asked): Promise<object> {
    return { got: headers['x-theme'] };
  }

  @Get('failing')
  async failing(@Req() asked: Asked): Promise<object> {
    kept = asked;
    if (asked.headers['x-theme'] === 'dark') throw new Error('no dark theme');
    return {};
  }

  @Get('slow')
  async slow(@Req() asked: Asked): Promise<object> {
    kept = asked;
    await new Promise<void>((resolve) => (release = resolve));
    return { got: asked.headers['x-theme'] };
  }
}

describe.each(['express', 'fastify'] as const)(
  'a handler that takes the request on %s',
  (platform) => {
    const open = async (configure?: (app: INestApplication) => void) => {
      const clock = new FakeClock();
      const { app, get } = await start({
        platform,
        controllers: [Routes],
        cache: { clock },
        ...(configure && { configure }),
      });
      const visit = await listen(app);
      const ask = async (
        path: string,
        headers: Record<string, string> = {},
      ): Promise<readonly [body: string, vary: string | null, status: string]> => {
        const { text, headers: got } = await visit(path, { headers });
        return [text, got.get('vary'), String(got.get('cache-status'))];
      };
      return { ask, clock, cache: get(CacheService) };
    };

    it.each(['get', 'has', 'own', 'raw', 'decorator', 'later'])(
      'has a response for each value of a header that it reads by name, and says so in Vary: %s',
      async (path) => {
        const { ask } = await open();
        const [dark] = await ask(`/${path}`, { 'x-theme': 'dark' });
        const [none] = await ask(`/${path}`);
        expect(none).not.toBe(dark);
        for (const [headers, body] of [
          [{ 'x-theme': 'dark' }, dark],
          [{}, none],
        ] as const) {
          const [again, vary, status] = await ask(`/${path}`, headers);
          expect([again, vary]).toEqual([body, 'x-theme']);
          expect(status).toContain('; hit');
        }
      },
    );

    it('adds the names to a Vary that it has set', async () => {
      const { ask } = await open();
      expect((await ask('/added'))[1]).toBe('Accept, X-Theme, accept-language');
    });

    it('adds nothing that the key covers, that bypasses the cache, or that credentials are said to be', async () => {
      const { ask } = await open();
      expect((await ask('/covered'))[1]).toBe('x-theme');
      expect((await ask('/ignored', { cookie: 'a=b' }))[1]).toBeNull();
      expect((await ask('/ignored'))[2]).toContain('; hit');
    });

    it('adds nothing where it takes all headers at once, and where the route says what they mean', async () => {
      const { ask } = await open();
      for (const path of ['/all', '/known']) {
        await ask(path, { 'x-theme': 'dark' });
        const [, vary, status] = await ask(path);
        expect(vary).toBeNull();
        expect(status).toContain('; hit');
      }
    });

    it('has the headers of its request as they were once it has run or failed', async () => {
      const { ask } = await open();
      for (const theme of ['light', 'dark']) {
        await ask('/failing', { 'x-theme': theme });
        for (const target of [kept, kept?.raw])
          expect(Object.getOwnPropertyNames(target ?? {})).not.toContain('headers');
        expect(kept?.headers['x-theme']).toBe(theme);
      }
    });

    it('says in a refresh, too, what it has read', async () => {
      const { ask, clock, cache } = await open();
      await ask('/get', { 'x-theme': 'dark' });
      await clock.advance(61_000);
      expect((await ask('/get', { 'x-theme': 'dark' }))[2]).toContain('stale');
      await cache.drain();
      const [body, vary, status] = await ask('/get', { 'x-theme': 'dark' });
      expect([body, vary]).toEqual(['{"got":"dark"}', 'x-theme']);
      expect(status).toMatch(/; hit; ttl=60/);
      expect((await ask('/get'))[0]).toBe('{}');
    });

    it('waits for no run whose answer depends on another value', async () => {
      const { ask } = await open();
      release = undefined;
      const one = ask('/slow', { 'x-theme': 'dark' });
      const free = async (): Promise<void> => {
        while (release === undefined) await new Promise((resolve) => setImmediate(resolve));
        release();
        release = undefined;
      };
      await free();
      expect((await one)[0]).toBe('{"got":"dark"}');
      const other = ask('/slow');
      await free();
      expect((await other)[0]).toBe('{}');
    });
  },
);
