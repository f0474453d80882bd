import {
  Controller,
  Get,
  NotFoundException,
  Res,
  ServiceUnavailableException,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheService, type EntryOptions, MemoryBackend } from '../../../lib/index.js';
import { type Codec, jsonCodec } from '../../../lib/codec.js';
import { FakeClock } from '../../../lib/testing.js';
import { until } from '../../support/redis.js';
import { listen, start } from '../http-application.js';

interface Response {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

let encoded: string[] = [];
const marking: Codec = {
  id: 'marking',
  encode: (value) => {
    encoded.push((value as { kind: string }).kind);
    return jsonCodec.encode(value);
  },
  decode: (bytes) => jsonCodec.decode(bytes),
};

let runs = 0;
let failure: Error | undefined;
let release: (() => void) | undefined;
let held = false;

async function produce(): Promise<{ run: number }> {
  const run = ++runs;
  if (held) await new Promise<void>((resolve) => (release = resolve));
  if (failure !== undefined) throw failure;
  return { run };
}

/** One route whose decorator has the options. */
function routeWith(options: EntryOptions): new () => object {
  @Controller('route')
  class Route {
    @Get()
    @Cacheable({ ttl: '100s', jitter: 0, http: { host: false }, ...(options as object) })
    async find(@Res({ passthrough: true }) response: Response): Promise<{ run: number }> {
      response.header('x-before', String(runs + 1));
      const made = await produce();
      response.header('x-after', String(made.run));
      response.status(203);
      return made;
    }

    @Get('null')
    @Cacheable({ ttl: '100s', jitter: 0, ...(options as object) })
    async nothing(): Promise<null> {
      await produce();
      return null;
    }
  }
  return Route;
}

describe.each(['express', 'fastify'] as const)('an entry option of a route on %s', (platform) => {
  const open = async (options: EntryOptions, ofCache: object = {}) => {
    [runs, failure, held, release, encoded] = [0, undefined, false, undefined, []];
    const clock = new FakeClock();
    const started = await start({
      controllers: [routeWith(options)],
      platform,
      cache: { clock, ...ofCache },
    });
    const visit = await listen(started.app);
    const ask = async (path = '/route'): Promise<string> => {
      const { text, status, headers } = await visit(path);
      return `${String(status)} ${text} ${headers.get('x-before') ?? ''} ${headers.get('x-after') ?? ''}`.trim();
    };
    return { clock, visit, ask, cache: started.get(CacheService) };
  };

  it.each([
    ['the decorator', { nullTtl: '10s' }, {}],
    ['the cache', {}, { nullTtl: '10s' }],
  ])('applies the nullTtl of %s to a handler that returns null', async (_, options, ofCache) => {
    const { ask, clock } = await open(options as EntryOptions, ofCache);
    await ask('/route/null');
    await ask('/route');
    await clock.advance(9_000);
    await ask('/route/null');
    expect(runs).toBe(2);
    await clock.advance(2_000);
    await ask('/route/null');
    expect(runs).toBe(3);
    await ask('/route');
    expect(runs).toBe(3);
  });

  it('uses the smaller of the ttl and 30 s as the default nullTtl', async () => {
    const { ask, clock } = await open({});
    await ask('/route/null');
    await clock.advance(29_000);
    await ask('/route/null');
    expect(runs).toBe(1);
    await clock.advance(2_000);
    await ask('/route/null');
    expect(runs).toBe(2);
  });

  it('does not store null with nullTtl 0', async () => {
    const { visit } = await open({ nullTtl: 0 });
    expect((await visit('/route/null')).headers.get('cache-status')).toContain('detail=ttl');
  });

  it('shortens the ttl by jitter', async () => {
    const { ask, clock, cache } = await open({ jitter: 1 });
    const lifetimes = new Set<number>();
    for (let i = 0; i < 5; i++) {
      await ask();
      const found = await cache.inspect(
        cache.key().segment('Route.find').param('path', '/route').build(),
      );
      expect(found.entry).toBeDefined();
      lifetimes.add((found.entry?.freshUntil ?? 0) - clock.now());
      await cache.clear();
    }
    expect(lifetimes.size).toBeGreaterThan(1);
    expect(Math.max(...lifetimes)).toBeLessThanOrEqual(100_000);
  });

  it('refreshes a response that is still fresh with refreshAhead', async () => {
    const { ask, clock, cache } = await open({ refreshAhead: 0.5 });
    await ask();
    await clock.advance(40_000);
    expect([await ask(), runs]).toEqual(['203 {"run":1} 1 1', 1]);
    await clock.advance(20_000);
    expect(await ask()).toBe('203 {"run":1} 1 1');
    await cache.drain();
    expect([await ask(), runs]).toEqual(['203 {"run":2} 2 2', 2]);
  });

  it('serves the stale response only for the errors that staleIfErrorWhen accepts', async () => {
    const { ask, clock } = await open({
      staleIfError: '1h',
      staleIfErrorWhen: (error) => error instanceof ServiceUnavailableException,
    });
    await ask();
    await clock.advance(101_000);
    failure = new ServiceUnavailableException();
    expect(await ask()).toBe('203 {"run":1} 1 1');
    await clock.advance(60_000);
    failure = new Error('no row');
    expect(await ask()).toContain('500');
  });

  it('serves the stale response by default for all errors but those with a 4xx status', async () => {
    const { ask, clock } = await open({ staleIfError: '1h' });
    await ask();
    await clock.advance(101_000);
    failure = new NotFoundException();
    expect(await ask()).toContain('404');
    failure = new Error('no connection');
    expect(await ask()).toBe('203 {"run":1} 1 1');
  });

  it('answers with the stale response after producerTimeout.soft, and still stores the result', async () => {
    const { ask, clock, cache } = await open({
      staleIfError: '1h',
      producerTimeout: { soft: '2s' },
    });
    await ask();
    await clock.advance(101_000);
    held = true;
    const slow = ask();
    await until(() => release !== undefined);
    await clock.advance(2_000);
    expect(await slow).toBe('203 {"run":1} 1 1');
    held = false;
    release?.();
    await cache.drain();
    // With what its handler said before and after it was left.
    expect([await ask(), runs]).toEqual(['203 {"run":2} 2 2', 2]);
  });

  it('frees the key after producerTimeout.hard, while the own request waits for its handler', async () => {
    const { ask, clock } = await open({ producerTimeout: { hard: '5s' } });
    held = true;
    const slow = ask();
    await until(() => release !== undefined);
    const first = release;
    await clock.advance(5_000);
    held = false;
    expect(await ask()).toBe('203 {"run":2} 2 2');
    first?.();
    expect(await slow).toBe('203 {"run":1} 1 1');
    expect(await ask()).toBe('203 {"run":2} 2 2');
  });

  it('encodes the response with the codec of the route', async () => {
    const { ask } = await open({ codec: marking }, { backend: new MemoryBackend() });
    expect([await ask(), await ask()]).toEqual(['203 {"run":1} 1 1', '203 {"run":1} 1 1']);
    expect(encoded).toEqual(['response']);
  });
});
