import { createCache, MemoryBackend } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';

const contender = (name, tiers, isolation, codec = 'json') => ({
  name,
  tiers,
  async create({ tier, redis, prefix, tags, maxEntries, produce }) {
    const memory = { maxEntries, maxBytes: '1gb', isolation };
    const cache = createCache({
      backend:
        tier === 'l1'
          ? new MemoryBackend(memory)
          : new RedisBackend({ url: redis.url, commandTimeout: '5s' }),
      namespace: prefix,
      ttl: '1h',
      codec,
      backendTimeout: '5s',
      ...(tier === 'l1l2' ? { l1: memory } : {}),
    });
    const options = tags === undefined ? undefined : { tags };
    return {
      getOrSet: (key) => cache.getOrSet(key, produce, options),
      invalidateTag: (tag) => cache.invalidate({ tags: [tag] }),
      close: () => cache.close(),
    };
  },
});

export const contenders = [
  contender('ours, freeze', ['l1', 'l1l2'], 'freeze'),
  contender('ours, copy', ['l1', 'l1l2'], 'copy'),
  contender('ours', ['l2'], 'copy'),
];
