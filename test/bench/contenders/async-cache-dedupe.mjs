import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
export const contenders = [
  {
    name: 'async-cache-dedupe',
    kind: 'peer',
    tiers: ['l1', 'l2'],
    tags: true,
    async create({ tier, redis, prefix = 'acd', tags }) {
      const client = tier === 'l1' ? null : new Redis({ host: redis.host, port: redis.port });
      const c = createCache({
        ttl: 3600,
        storage: client
          ? {
              type: 'redis',
              options: { client, ...(tags ? { invalidation: { referencesTTL: 3600 } } : {}) },
            }
          : { type: 'memory', options: { size: 200000, ...(tags ? { invalidation: true } : {}) } },
      });
      const fs = new Map(); // the factory is part of the definition in this library, so it is looked up per key
      c.define(prefix, tags ? { references: () => tags } : {}, (k) => fs.get(k)?.());
      return {
        get: (k) => c[prefix](k),
        set: (k, v) => {
          fs.set(k, () => v);
          return c[prefix](k);
        },
        getOrSet: (k, f) => {
          if (fs.get(k) !== f) fs.set(k, f);
          return c[prefix](k);
        },
        invalidateTag: (t) => c.invalidateAll(t),
        close: async () => {
          client?.disconnect();
        },
      };
    },
  },
];
