import KeyvRedis from '@keyv/redis';
import { Cacheable, KeyvCacheableMemory } from 'cacheable';
import { Keyv } from 'keyv';
import { TTL_MS } from './00-limits.mjs';

export const contenders = [
  {
    name: 'cacheable',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix, tags, maxEntries, produce }) {
      const primary =
        tier === 'l1'
          ? new Keyv({ store: new KeyvCacheableMemory({ ttl: TTL_MS, lruSize: maxEntries }) })
          : new Keyv(new KeyvRedis(redis.url), { namespace: prefix });
      const cache = new Cacheable({ primary, ttl: TTL_MS, tags: tags !== undefined });
      const options = { ttl: TTL_MS };
      // Its getOrSet takes no tags: with them, get and set as its page has it.
      const tagged = async (key) => {
        const found = await cache.get(key);
        if (found !== undefined) return found;
        const value = await produce();
        await cache.set(key, value, { ttl: TTL_MS, tags });
        return value;
      };
      return {
        getOrSet: tags === undefined ? (key) => cache.getOrSet(key, produce, options) : tagged,
        invalidateTag: (tag) => cache.tags.invalidateTag(tag),
        close: () => cache.disconnect(),
      };
    },
  },
];
