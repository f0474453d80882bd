import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  Get,
  type INestApplication,
  type NestApplicationOptions,
  Param,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../../lib/redis.js';
import { CacheService } from '../../../lib/core/cache.js';
import { CacheModule } from '../../../lib/nest/module/cache.module.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { getCacheToken } from '../../../lib/nest/module/tokens.js';
import { type RedisServer, startRedis } from '../../support/redis.js';
import { adapterFor, type Platform, PLATFORMS } from './support.js';

let calls = 0;
let releases: (() => void)[] = [];

@Controller('pages')
class Pages {
  @Get('slow/:id')
  @Cacheable({ ttl: '1m', http: { host: false } })
  async slow(@Param('id') id: string): Promise<unknown> {
    calls++;
    await new Promise<void>((resolve) => releases.push(resolve));
    return { id, calls };
  }

  @Get(':id')
  @Cacheable({
    ttl: '1m',
    tags: ['pages'],
    http: { host: false, tags: ({ params }) => [`page:${params.id ?? ''}`] },
  })
  async find(@Param('id') id: string): Promise<unknown> {
    return { id, calls: ++calls };
  }
}

interface Started {
  readonly app: INestApplication;
  readonly cache: CacheService;
  get(
    path: string,
  ): Promise<{ readonly status: number; readonly body: string; readonly cacheStatus: string }>;
}

async function startOne(
  platform: Platform,
  redis: RedisServer,
  namespace: string,
  l1: boolean,
): Promise<Started> {
  const module = CacheModule.forRoot({
    namespace,
    jitter: 0,
    backend: new RedisBackend({ url: redis.url }),
    ...(l1 ? { l1: { maxBytes: '1mb' } } : {}),
  });
  const testing = await Test.createTestingModule({
    imports: [module],
    controllers: [Pages],
  }).compile();
  const app = testing.createNestApplication(
    adapterFor(platform),
    Object.assign(Object.create(null) as NestApplicationOptions, { logger: false }),
  );
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const agent = new Agent();
  const get: Started['get'] = (path) =>
    new Promise((resolve, reject) => {
      request({ agent, host: '127.0.0.1', port, path }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const cacheStatus = String(response.headers['cache-status']);
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8'),
            cacheStatus,
          });
        });
      })
        .on('error', reject)
        .end();
    });
  // Until the connection is there requests go past the Redis.
  while (!(await get('/pages/ready')).cacheStatus.includes('; hit'))
    await new Promise((resolve) => setTimeout(resolve, 10));
  return { app, cache: app.get<CacheService>(getCacheToken('default')), get };
}

describe('responses in a Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  describe.each(
    PLATFORMS.flatMap((platform) => [[platform, false] as const, [platform, true] as const]),
  )('on %s, with L1: %s', (platform, l1) => {
    let one: Started;
    let other: Started;
    beforeAll(async () => {
      const namespace = `http-${platform}-${String(l1)}`;
      [one, other] = await Promise.all([
        startOne(platform, redis, namespace, l1),
        startOne(platform, redis, namespace, l1),
      ]);
    });
    afterAll(async () => {
      await Promise.all([one.app.close(), other.app.close()]);
    });

    it('runs one handler for twenty concurrent requests to two applications', async () => {
      calls = 0;
      releases = [];
      const asked = [one, other].flatMap((app) =>
        Array.from({ length: 10 }, () => app.get('/pages/slow/1')),
      );
      while (releases.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const release of releases) release();
      const answers = await Promise.all(asked);
      expect(calls).toBe(1);
      expect(new Set(answers.map(({ status, body }) => `${String(status)} ${body}`))).toEqual(
        new Set(['200 {"id":"1","calls":1}']),
      );
    });

    it.each([['pages'], ['page:7']])(
      'follows invalidations by the other application: %s',
      async (tag) => {
        await one.cache.clear();
        calls = 0;
        for (let round = 1; round <= 5; round++) {
          expect((await one.get('/pages/7')).body).toBe(`{"id":"7","calls":${String(round)}}`);
          await Promise.all([one.cache.drain(), other.cache.drain()]);
          const there = await other.get('/pages/7');
          expect([there.body, there.cacheStatus]).toEqual([
            `{"id":"7","calls":${String(round)}}`,
            expect.stringContaining('; hit'),
          ]);
          await (round % 2 === 0 ? one : other).cache.invalidate({ tags: [tag] });
        }
      },
    );

    it('stores the body as it is sent, without escapes', async () => {
      await one.cache.clear();
      await one.get('/pages/9');
      await one.cache.drain();
      const keys = (await redis.command(
        'SCAN',
        '0',
        'MATCH',
        `*http-${platform}-${String(l1)}*`,
        'COUNT',
        '1000',
      )) as [string, string[]];
      const stored = await Promise.all(
        keys[1].map(async (key) => String(await redis.command('GET', key).catch(() => ''))),
      );
      expect(stored.filter((text) => text.includes('\n{"id":"9","calls":'))).toHaveLength(1);
    });
  });

  it.each(PLATFORMS)(
    'fails no request while the Redis does not answer, on %s',
    async (platform) => {
      const own = await startRedis();
      const app = await startOne(platform, own, 'frozen', true);
      try {
        calls = 0;
        await app.get('/pages/1');
        own.freeze();
        const answers = await Promise.all(
          ['1', '2', '3', '1'].map((id) => app.get(`/pages/${id}`)),
        );
        expect(
          answers.map(({ status, body }) => [status, (JSON.parse(body) as { id: string }).id]),
        ).toEqual([
          [200, '1'],
          [200, '2'],
          [200, '3'],
          [200, '1'],
        ]);
        own.thaw();
      } finally {
        own.thaw();
        await app.app.close();
        await own.stop();
      }
    },
  );
});
