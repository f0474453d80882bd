import { cachified, totalTtl } from '@epic-web/cachified';
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';
export const contenders = [
  {
    name: 'cachified',
    kind: 'peer',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix = 'cf:' }) {
      let cache, client;
      if (tier === 'l1') {
        const m = new LRUCache({ max: 20000 });
        cache = {
          get: (k) => m.get(k),
          set: (k, v) => {
            const ttl = totalTtl(v?.metadata);
            return m.set(k, v, {
              ttl: ttl === Infinity ? undefined : ttl,
              start: v?.metadata?.createdTime,
            });
          },
          delete: (k) => m.delete(k),
        };
      } else {
        client = createClient({ socket: { host: redis.host, port: redis.port } });
        client.on('error', () => undefined);
        await client.connect();
        cache = {
          name: 'redis',
          get: async (k) => {
            const s = await client.get(prefix + k);
            return s === null ? null : JSON.parse(s);
          },
          set: (k, v) =>
            client.set(prefix + k, JSON.stringify(v), { expiration: { type: 'PX', value: 3.6e6 } }),
          delete: (k) => client.del(prefix + k),
        };
      }
      const getOrSet = (key, f, o) =>
        cachified({ key, cache, ttl: o?.ttlMs ?? 3.6e6, getFreshValue: f });
      return {
        get: (k) => getOrSet(k, () => undefined),
        set: (k, v) => getOrSet(k, () => v),
        getOrSet,
        close: async () => {
          client?.destroy();
        },
      };
    },
  },
];
