import { createCache, MemoryBackend } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';

const contender = (name, tiers, isolation, codec = 'json') => ({
  name,
  kind: 'ours',
  tiers,
  tags: isolation === 'freeze',
  async create({ tier, redis, prefix = 'ours' }) {
    const backend =
      tier === 'l1'
        ? new MemoryBackend({ maxEntries: 200_000, maxBytes: '1gb', isolation })
        : new RedisBackend({ url: `redis://${redis.host}:${redis.port}`, commandTimeout: '5s' });
    const cache = createCache({
      backend,
      namespace: prefix,
      ttl: '1h',
      codec,
      backendTimeout: '5s',
      ...(tier === 'l1l2' ? { l1: { maxEntries: 200_000, maxBytes: '1gb', isolation } } : {}),
    });
    return {
      cache,
      get: (key) => cache.get(key),
      set: (key, value, options) =>
        cache.set(key, value, options?.tags === undefined ? undefined : { tags: options.tags }),
      getOrSet: (key, producer, options) => cache.getOrSet(key, producer, options),
      invalidateTag: (tag) => cache.invalidate({ tags: [tag] }),
      close: () => cache.close(),
    };
  },
});

export const contenders = [
  contender('nest-query-cache', ['l1', 'l2', 'l1l2'], 'freeze'),
  contender('nest-query-cache (copy)', ['l1', 'l1l2'], 'copy'),
  contender('nest-query-cache (cbor)', ['l2'], 'copy', 'cbor'),
];
