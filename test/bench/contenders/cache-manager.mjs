import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { KeyvCacheableMemory } from 'cacheable';
import { Keyv } from 'keyv';
import { TTL_MS } from './00-limits.mjs';

export const contenders = [
  {
    name: 'cache-manager',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix, maxEntries, produce }) {
      const store =
        tier === 'l1'
          ? new Keyv({ store: new KeyvCacheableMemory({ ttl: TTL_MS, lruSize: maxEntries }) })
          : new Keyv(new KeyvRedis(redis.url), { namespace: prefix });
      const cache = createCache({ stores: [store], ttl: TTL_MS });
      return {
        getOrSet: (key) => cache.wrap(key, produce),
        close: () => cache.disconnect(),
      };
    },
  },
];
