import { Keyv } from 'keyv';
import KeyvRedis from '@keyv/redis';
export const contenders = [
  {
    name: 'keyv',
    kind: 'peer',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix = 'kv' }) {
      const k =
        tier === 'l1'
          ? new Keyv()
          : new Keyv(new KeyvRedis(`redis://${redis.host}:${redis.port}`), { namespace: prefix });
      return {
        get: (x) => k.get(x),
        set: (x, v, o) => k.set(x, v, o?.ttlMs ?? 3.6e6),
        close: async () => {
          await k.disconnect?.();
        },
      };
    },
  },
];
