import { createCache } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';

const open =
  (l1) =>
  ({ redis, prefix, load, window, hardTimeout }) => {
    const cache = createCache({
      ...(redis === undefined ? {} : { backend: new RedisBackend({ url: redis.url }), l1 }),
      namespace: prefix,
      ttl: window === undefined ? '1m' : window.fresh,
      ...(window === undefined ? {} : { staleWhileRevalidate: window.stale }),
      ...(hardTimeout === undefined ? {} : { producerTimeout: { hard: hardTimeout } }),
    });
    return {
      read: (key, tags) => cache.getOrSet(key, () => load(key), { tags }),
      delete: (key) => cache.delete(key),
      invalidateTag: (tag) => cache.invalidate({ tags: [tag] }),
      clear: () => cache.clear(),
      close: () => cache.close(),
    };
  };

const can = { window: true, hardTimeout: true };

export const library = {
  name: 'nest-query-cache',
  packages: ['nest-query-cache'],
  setups: [
    { name: 'memory', text: '`createCache()`', can, open: open(false) },
    {
      name: 'Redis',
      shared: true,
      text: '`createCache({ backend: new RedisBackend({ url }) })`',
      can,
      open: open(false),
    },
    {
      name: 'memory + Redis',
      shared: true,
      text: 'the same with `l1: true`',
      can,
      open: open(true),
    },
  ],
};
