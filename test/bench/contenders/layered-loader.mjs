import { Redis } from 'ioredis';
import { Loader, RedisCache } from 'layered-loader';
import { TTL_MS } from './00-limits.mjs';

export const contenders = [
  {
    name: 'layered-loader',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix, maxEntries, produce }) {
      const client =
        tier === 'l1' ? undefined : new Redis(redis.url, { enableAutoPipelining: true });
      const loader = new Loader({
        ...(tier === 'l1'
          ? { inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: TTL_MS, maxItems: maxEntries } }
          : { asyncCache: new RedisCache(client, { json: true, prefix, ttlInMsecs: TTL_MS }) }),
        dataSourceGetOneFn: produce,
      });
      return {
        getOrSet: (key) => loader.get(key),
        close: async () => client?.disconnect(),
      };
    },
  },
];
