import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';

const contender = (name, tiers, memory) => ({
  name,
  tiers,
  async create({ tier, redis, prefix, tags, maxEntries, produce }) {
    const store =
      tier === 'l1'
        ? bentostore().useL1Layer(memoryDriver({ ...memory, maxItems: maxEntries }))
        : bentostore().useL2Layer(
            redisDriver({ connection: new Redis(redis.url, { enableAutoPipelining: true }) }),
          );
    const cache = new BentoCache({ default: 'main', prefix, ttl: '1h', stores: { main: store } });
    const tagged = tags === undefined ? {} : { tags };
    return {
      getOrSet: (key) => cache.getOrSet({ key, factory: produce, ...tagged }),
      invalidateTag: (tag) => cache.deleteByTag({ tags: [tag] }),
      close: () => cache.disconnect(),
    };
  },
});

export const contenders = [
  contender('bentocache', ['l1', 'l2'], {}),
  contender('bentocache, serialize: false', ['l1'], { serialize: false }),
];
