import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
const make = (name, tiers, mem) => ({
  name,
  kind: 'peer',
  tiers,
  tags: true,
  async create({ tier, redis, prefix = 'b' }) {
    let s = bentostore();
    if (tier !== 'l2') s = s.useL1Layer(memoryDriver(mem));
    if (tier !== 'l1')
      s = s.useL2Layer(redisDriver({ connection: { host: redis.host, port: redis.port } }));
    const b = new BentoCache({ default: 'c', prefix, ttl: '1h', stores: { c: s } });
    return {
      get: (key) => b.get({ key }),
      set: (key, value, o) => b.set({ key, value, ttl: o?.ttlMs, tags: o?.tags }),
      getOrSet: (key, factory, o) => b.getOrSet({ key, factory, ttl: o?.ttlMs, tags: o?.tags }),
      invalidateTag: (t) => b.deleteByTag({ tags: [t] }),
      close: () => b.disconnect(),
    };
  },
});
export const contenders = [
  make('bentocache', ['l1', 'l2', 'l1l2'], { maxItems: 20000, serialize: false }),
  make('bentocache (serialize L1, default)', ['l1'], { maxItems: 20000 }),
];
