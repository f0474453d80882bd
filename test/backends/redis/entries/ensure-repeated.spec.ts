import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../../../lib/backends/redis/redis-backend.js';
import { CacheKey } from '../../../../lib/core/key/key.js';
import { createCache } from '../../../../lib/create-cache.js';
import { type RedisServer, startRedis } from '../../../support/redis.js';

describe('a server that knows the script of leases, and not the one that makes markers', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('keeps the first value of a tenant in such a way that it can be used', async () => {
    const cache = createCache({ backend: new RedisBackend({ url: redis.url }), namespace: 'n' });
    const load = async (key: string | CacheKey) => {
      await cache.getOrSet(key, () => 'v', { ttl: '1h' });
      await cache.drain();
    };
    await load('first');
    await redis.command('SCRIPT', 'FLUSH');
    // The markers of this key are there, so the lease is all that it asks for.
    await load('second');
    const key = CacheKey.builder().tenant('acme').segment('accounts').build();
    await load(key);
    expect(await cache.get(key)).toBe('v');
    await cache.close();
  });
});
