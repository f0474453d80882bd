import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';
import { type RedisServer, startRedis, until } from '../support/redis.js';

describe('a caller who came after an invalidation by another process', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it.each([
    { what: 'as the fallback of a failing production', producerTimeout: {}, producerMs: 100 },
    {
      what: 'as the stand-in for a slow production',
      producerTimeout: { soft: 10 },
      producerMs: 400,
    },
  ])(
    'does not get the old value $what that it joined',
    async ({ what, producerTimeout, producerMs }) => {
      const namespace = `overtaken ${what}`;
      const here = createCache({ backend: new RedisBackend({ url: redis.url }), namespace });
      const there = createCache({ backend: new RedisBackend({ url: redis.url }), namespace });
      const windows = { ttl: 20, jitter: 0, staleIfError: '1h' } as const;
      const name = `${encodeURIComponent(namespace)}:{segment:key}`;
      await until(async () => {
        await there.getOrSet('key', () => 'old', windows);
        await there.drain();
        return (await redis.command('EXISTS', name)) === 1;
      }, 'the old value');
      await sleep(50);
      // there holds the lease, here waits for it with the old value at hand
      const held = there.getOrSet('key', () => sleep(1_500, 'held'), windows);
      await until(
        async () => (await redis.command('EXISTS', name, `${name}:l`)) === 2,
        'the lease',
      );
      const failing = async (): Promise<string> => {
        await sleep(producerMs);
        throw new Error('the origin is away');
      };
      const early = here.getOrSet('key', failing, windows).catch((error: unknown) => String(error));
      await until(async () => (await redis.command('EXISTS', `${name}:w`)) === 1, 'the waiting');
      // what a delete does, before its notice has arrived here
      expect(await redis.command('UNLINK', name, `${name}:l`)).toBe(2);
      const late = here
        .getOrSet('key', failing, { ...windows, producerTimeout })
        .catch((error: unknown) => String(error));
      expect(await late).toBe('Error: the origin is away');
      expect(await early).toBe('old');
      await held;
      await Promise.all([here.close(), there.close()]);
    },
  );
});
