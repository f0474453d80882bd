import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis.js';
import { leases } from './fleet.js';

describe('a lease whose answer came too late', () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await startFaultProxy(redis.port);
  });
  afterAll(async () => {
    await proxy.close();
    await redis.stop();
  });

  it('is given up at once, so that nobody waits for it', async () => {
    const backend = new RedisBackend({ url: proxy.url, commandTimeout: 10_000 });
    const cache = createCache({
      backend,
      namespace: 'late-acquire',
      backendTimeout: 100,
      lease: { ttl: '10m' },
    });
    await until(async () => {
      await cache.getOrSet('warm', () => 1);
      await cache.drain();
      return (await cache.get('warm')) === 1;
    }, 'the connection');
    await cache.delete('warm');
    // the look takes 70 ms of the 100, and so the lease comes too late
    proxy.delay(35);
    expect(await cache.getOrSet('warm', () => 2)).toBe(2);
    await cache.drain();
    proxy.delay(0);
    await until(async () => (await leases(redis)).length === 0, 'the end of the lease');
    await cache.close();
  });
});
