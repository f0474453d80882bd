import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import { limitedIoRedis } from '../limited-clients.mjs';

const open = ({ redis, prefix, load, window, limited }) => {
  const client =
    redis === undefined
      ? undefined
      : new Redis({ host: redis.host, port: redis.port, ...(limited ? limitedIoRedis : {}) });
  client?.on('error', () => undefined);
  const tagsOf = new Map();
  const cache = createCache({
    ttl: window === undefined ? 60 : window.fresh / 1_000,
    ...(window === undefined ? {} : { stale: window.stale / 1_000 }),
    storage:
      client === undefined
        ? { type: 'memory', options: { invalidation: true } }
        : { type: 'redis', options: { client, invalidation: { referencesTTL: 120 } } },
  });
  cache.define(prefix, { references: (key) => tagsOf.get(key) }, (key) => load(key));
  return {
    read: (key, tags) => {
      if (tags !== undefined) tagsOf.set(key, tags);
      return cache[prefix](key);
    },
    delete: (key) => cache.clear(prefix, key),
    invalidateTag: (tag) => cache.invalidateAll(tag),
    clear: () => cache.clear(),
    close: () => client?.disconnect(),
  };
};

const can = { window: true };

export const library = {
  name: 'async-cache-dedupe',
  packages: ['async-cache-dedupe', 'ioredis'],
  setups: [
    {
      name: 'memory',
      text: '`createCache({ ttl, storage: { type: "memory", options: { invalidation: true } } })`',
      can,
      open,
    },
    {
      name: 'Redis',
      shared: true,
      text: '`storage: { type: "redis", options: { client, invalidation } }`',
      can,
      canLimit: true,
      open,
    },
  ],
};
