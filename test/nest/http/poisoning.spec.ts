import { Agent, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Headers,
  type INestApplication,
  Param,
  Req,
  Res,
  type Type,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cacheable } from '../../../lib/index.js';
import { HEADER_NAMES } from '../../http/header-names.js';
import { start } from '../http-application.js';

type Fields = Readonly<Record<string, string | undefined>>;
interface Asked {
  readonly headers: Fields;
  readonly protocol: string;
  readonly hostname: string;
  readonly originalUrl: string;
}

const Whole = createParamDecorator((_: unknown, context: ExecutionContext) =>
  context.switchToHttp().getRequest<Asked>(),
);

/** Every seventh, and so some of each kind. */
const SAMPLE = HEADER_NAMES.filter((_, i) => i % 7 === 0);

/** Each answers with the header that its path names, found in its own way. */
@Controller()
@Cacheable({ ttl: '1h' })
class Routes {
  @Get('request/:name')
  async request(@Req() { headers }: Asked, @Param('name') name: string): Promise<object> {
    return { got: headers[name] };
  }

  @Get('headers/:name')
  async headers(@Headers() headers: Fields, @Param('name') name: string): Promise<object> {
    return { got: headers[name] };
  }

  @Get('decorator/:name')
  async decorator(@Whole() { headers }: Asked, @Param('name') name: string): Promise<object> {
    return { got: headers[name] };
  }

  @Get('uri/:name')
  async uri(@Req() asked: Asked): Promise<object> {
    return { got: `${asked.protocol}://${asked.hostname}${asked.originalUrl}` };
  }

  @Get('keyed/:name')
  @Cacheable({ http: { headers: [...SAMPLE], knownInputs: ['@Headers()'] } })
  async keyed(@Headers() headers: Fields, @Param('name') name: string): Promise<object> {
    return { got: headers[name] };
  }

  @Get('vary/:name')
  @Cacheable({ http: { knownInputs: ['@Headers()'] } })
  async vary(
    @Headers() headers: Fields,
    @Param('name') name: string,
    @Res({ passthrough: true }) response: { header(name: string, value: string): unknown },
  ): Promise<object> {
    response.header('vary', name);
    return { got: headers[name] };
  }

  @Get('copy/:name')
  async copy(@Req() { headers }: Asked, @Param('name') name: string): Promise<object> {
    return { got: Object.fromEntries(Object.entries(headers))[name] };
  }
}

interface Got {
  readonly body: string;
  readonly status: string;
}

/** A real application, and a client that sends the headers as they are. */
async function open(
  platform: 'express' | 'fastify',
  controller: Type,
): Promise<{
  readonly warned: (route: string) => boolean;
  readonly ask: (path: string, headers?: Record<string, string>) => Promise<Got>;
}> {
  const configure = (app: INestApplication): void => {
    if (platform === 'express') (app as NestExpressApplication).set('trust proxy', true);
  };
  const { app, lines } = await start({ platform, configure, controllers: [controller] });
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  onTestFinished(() => agent.destroy());
  const ask = (path: string, headers: Record<string, string> = {}): Promise<Got> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ agent, host: '127.0.0.1', port, path, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (more: string) => (body += more));
        response.on('end', () => {
          resolve({ body, status: String(response.headers['cache-status']) });
        });
      });
      sent.on('error', reject).end();
    });
  const warned = (route: string): boolean =>
    lines.warnings.some((line) => line.startsWith(`${controller.name}.${route} is cached and`));
  return { ask, warned };
}

/** What one client sends, and another one after it. */
const VALUES: readonly (readonly [string, string | undefined])[] = [
  ['evil-value', undefined],
  ['acme,', 'acme'],
];

/** The routes on which a clean request has been given what another one sent. */
async function sweep(
  { ask }: Awaited<ReturnType<typeof open>>,
  names: readonly string[],
  routes: readonly string[],
): Promise<ReadonlySet<string>> {
  const poisoned = new Set<string>();
  const tryOne = async (name: string, route: string): Promise<void> => {
    const path = `/${route}/${name}`;
    for (const [sent, clean] of VALUES) {
      await ask(path, { [name]: sent });
      const { body } = await ask(path, clean === undefined ? {} : { [name]: clean });
      if (body.includes(sent)) poisoned.add(route);
    }
  };
  for (let i = 0; i < names.length; i += 20)
    for (const route of routes)
      await Promise.all(names.slice(i, i + 20).map((name) => tryOne(name, route)));
  return poisoned;
}

const SAFE = ['request', 'headers', 'decorator', 'uri', 'keyed', 'vary'];

describe.each(['express', 'fastify'] as const)('a client on %s', (platform) => {
  it.each<[string, readonly string[]]>([
    ['request', HEADER_NAMES],
    ['uri', HEADER_NAMES.filter((name) => /host|proto|forward|ur[il]|scheme|server/.test(name))],
    ['headers', SAMPLE],
    ['decorator', SAMPLE],
    ['keyed', SAMPLE],
    ['vary', SAMPLE],
  ])(
    'is never answered by what another one has sent in a header that a route reads by name: %s',
    async (route, names) => {
      const app = await open(platform, Routes);
      expect(await sweep(app, names, [route])).toEqual(new Set());
    },
  );

  it('is answered by what another one has sent only on a route that a warning names', async () => {
    const app = await open(platform, Routes);
    expect(await sweep(app, SAMPLE.slice(10, 14), [...SAFE, 'copy'])).toEqual(new Set(['copy']));
    expect([...SAFE, 'copy'].filter(app.warned)).toEqual([
      'request',
      'headers',
      'decorator',
      'uri',
      'copy',
    ]);
  });

  it('shares a response with those whose headers are the same where the handler has read them', async () => {
    const { ask } = await open(platform, Routes);
    await ask('/request/x-theme', { 'x-theme': 'dark' });
    for (const other of ['a', 'b']) {
      const { body, status } = await ask('/request/x-theme', {
        'x-theme': 'dark',
        'x-other': other,
      });
      expect(body).toBe('{"got":"dark"}');
      expect(status).toContain('; hit');
    }
  });
});

/** 40 ways to write a path that some part of a server may take for another one. */
const TRICKS =
  'a/ a// //a a/. a/.. a/./ a/../a ./a ../a a;x a;x=1 a;/ a;jsessionid=1 a%2f a%2F a%2fb a%5c a\\ ' +
  '%61 %41 A a%20 a%09 a%00 a%0a a%0d%0a a%23 a%3f a%3fb=1 a%26 a%253f a%252f a%2e a%2e%2e a. ' +
  'a.css a.json a,b a+b a%c0%af';

@Controller('paths')
@Cacheable({ ttl: '1h' })
class Paths {
  @Get('raw/*')
  async raw(@Req() { originalUrl }: Asked): Promise<object> {
    return { got: originalUrl };
  }

  @Get('part/:part')
  async part(@Param('part') part: string): Promise<object> {
    return { got: part };
  }
}

describe.each(['express', 'fastify'] as const)('a path on %s', (platform) => {
  it.each(['raw', 'part'])(
    'has the response of no other one, however it is written: %s',
    async (route) => {
      const tricks = TRICKS.split(' ');
      expect(tricks).toHaveLength(40);
      const { ask } = await open(platform, Paths);
      const paths = ['a', 'a?a', 'a?%61', ...tricks, ...tricks.map((one) => `${one}?a`)];
      const statuses: string[] = [];
      for (const path of [...paths, ...paths]) {
        const { body, status } = await ask(`/paths/${route}/${path}`);
        statuses.push(status);
        // With credentials it goes past the cache.
        const past = await ask(`/paths/${route}/${path}`, { authorization: 'Bearer x' });
        expect(body, path).toBe(past.body);
      }
      const hits = statuses.filter((status) => status.includes('; hit'));
      expect(hits.length).toBeGreaterThan(20);
    },
  );
});
