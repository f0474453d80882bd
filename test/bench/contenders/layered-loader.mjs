import { Loader, RedisCache } from 'layered-loader';
import { Redis } from 'ioredis';
export const contenders = [
  {
    name: 'layered-loader',
    kind: 'peer',
    tiers: ['l1', 'l2', 'l1l2'],
    async create({ tier, redis, prefix = 'll' }) {
      const client = tier === 'l1' ? null : new Redis({ host: redis.host, port: redis.port });
      const fs = new Map();
      const rc = client && new RedisCache(client, { json: true, prefix, ttlInMsecs: 3.6e6 });
      const l = new Loader({
        ...(tier !== 'l2'
          ? { inMemoryCache: { cacheType: 'lru-object', ttlInMsecs: 3.6e6, maxItems: 20000 } }
          : {}),
        ...(client ? { asyncCache: rc } : {}),
        dataSources: [
          {
            name: 'f',
            get: async (k) => fs.get(k)?.(),
            getMany: async (ks) => ks.map((k) => fs.get(k)?.()),
          },
        ],
        throwIfUnresolved: false,
      });
      return {
        get: (k) => l.get(k),
        set: async (k, v) => {
          fs.set(k, () => v);
          await l.get(k);
        },
        getOrSet: (k, f) => {
          if (fs.get(k) !== f) fs.set(k, f);
          return l.get(k);
        },
        close: async () => {
          client?.disconnect();
        },
      };
    },
  },
];
