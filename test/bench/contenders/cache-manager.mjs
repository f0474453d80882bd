import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import KeyvRedis from '@keyv/redis';
export const contenders = [
  {
    name: 'cache-manager',
    kind: 'peer',
    tiers: ['l1', 'l2', 'l1l2'],
    async create({ tier, redis, prefix = 'cm' }) {
      const stores = [];
      if (tier !== 'l2') stores.push(new Keyv());
      if (tier !== 'l1')
        stores.push(
          new Keyv(new KeyvRedis(`redis://${redis.host}:${redis.port}`), { namespace: prefix }),
        );
      const c = createCache({ stores, ttl: 3.6e6 });
      return {
        get: (k) => c.get(k),
        set: (k, v, o) => c.set(k, v, o?.ttlMs),
        getOrSet: (k, f, o) => c.wrap(k, f, o?.ttlMs),
        close: () => c.disconnect(),
      };
    },
  },
];
