import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import { TTL_MS } from './00-limits.mjs';

export const contenders = [
  {
    name: 'async-cache-dedupe',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix, tags, maxEntries, produce }) {
      const client =
        tier === 'l1' ? undefined : new Redis(redis.url, { enableAutoPipelining: true });
      const ttl = TTL_MS / 1e3;
      const cache = createCache({
        ttl,
        storage:
          client === undefined
            ? { type: 'memory', options: { size: maxEntries, invalidation: tags !== undefined } }
            : {
                type: 'redis',
                options: {
                  client,
                  ...(tags === undefined ? {} : { invalidation: { referencesTTL: ttl } }),
                },
              },
      });
      cache.define(prefix, tags === undefined ? {} : { references: () => tags }, produce);
      const read = cache[prefix];
      return {
        getOrSet: (key) => read(key),
        invalidateTag: (tag) => cache.invalidateAll(tag),
        close: async () => client?.disconnect(),
      };
    },
  },
];
