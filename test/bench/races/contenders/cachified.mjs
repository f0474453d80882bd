import { cachified, totalTtl } from '@epic-web/cachified';
import { redisCacheAdapter } from 'cachified-redis-adapter';
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';
import { limitedNodeRedis } from '../limited-clients.mjs';

const open = async ({ redis, prefix, load, window, limited }) => {
  let cache;
  let client;
  if (redis === undefined) {
    // As in its README.
    const lru = new LRUCache({ max: 1_000 });
    cache = {
      set(key, value) {
        const ttl = totalTtl(value?.metadata);
        return lru.set(key, value, {
          ttl: ttl === Infinity ? undefined : ttl,
          start: value?.metadata?.createdTime,
        });
      },
      get: (key) => lru.get(key),
      delete: (key) => lru.delete(key),
    };
  } else {
    client = createClient({ url: redis.url, ...(limited ? limitedNodeRedis : {}) });
    client.on('error', () => undefined);
    await client.connect();
    cache = redisCacheAdapter(client);
  }
  const times = window === undefined ? { ttl: 60_000 } : { ttl: window.fresh, swr: window.stale };
  return {
    read: (key) =>
      cachified({ key: `${prefix}:${key}`, cache, ...times, getFreshValue: () => load(key) }),
    delete: (key) => cache.delete(`${prefix}:${key}`),
    close: () => client?.destroy(),
  };
};

const can = { window: true };

export const library = {
  name: 'cachified',
  packages: ['@epic-web/cachified', 'cachified-redis-adapter', 'lru-cache'],
  setups: [
    { name: 'memory', text: 'the `lru-cache` adapter of its README', can, open },
    { name: 'Redis', shared: true, text: '`redisCacheAdapter(client)`', can, canLimit: true, open },
  ],
};
