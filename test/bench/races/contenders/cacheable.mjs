import KeyvRedis, { createKeyvNonBlocking } from '@keyv/redis';
import { RedisMessageProvider } from '@qified/redis';
import { Cacheable } from 'cacheable';

const syncedBy = (url) => {
  const provider = new RedisMessageProvider({ uri: url });
  // Its clients have no listener for errors: without one the process would end with the first of
  // them.
  for (const client of [provider.pub, provider.sub]) client?.on('error', () => undefined);
  return { qified: provider };
};
const blocking = (url) => ({ secondary: new KeyvRedis(url), sync: syncedBy(url) });
const notBlocking = (url) => ({ secondary: createKeyvNonBlocking(url), nonBlocking: true });

const open =
  (sharedBy) =>
  async ({ redis, load, tagged }) => {
    const shared = redis === undefined ? {} : sharedBy(redis.url);
    const cache = new Cacheable({ ttl: '1m', ...shared, ...(tagged ? { tags: true } : {}) });
    cache.on('error', () => undefined);
    return {
      // getOrSet takes no tags; with tags its documentation sets and gets.
      read: async (key, tags) => {
        if (tags === undefined) return cache.getOrSet(key, () => load(key), { ttl: '1m' });
        const found = await cache.get(key);
        if (found !== undefined) return found;
        const value = await load(key);
        await cache.set(key, value, { ttl: '1m', tags });
        return value;
      },
      delete: (key) => cache.delete(key),
      invalidateTag: (tag) => cache.tags.invalidateTag(tag),
      clear: () => cache.clear(),
      close: () => cache.disconnect(),
    };
  };

export const library = {
  name: 'cacheable',
  packages: ['cacheable', '@keyv/redis', '@qified/redis'],
  setups: [
    {
      name: 'memory',
      text: '`new Cacheable({ ttl })`, `getOrSet`; for tags `tags: true`, `get` and `set`',
      can: {},
      open: open(),
    },
    {
      name: 'memory + Redis',
      shared: true,
      text: 'with `secondary: new KeyvRedis(url)` and `sync` by `RedisMessageProvider`',
      can: {},
      open: open(blocking),
    },
    {
      name: 'memory + Redis, nonBlocking',
      shared: true,
      text: 'as its page advises against a Redis that hangs: `secondary: createKeyvNonBlocking(url)`, `nonBlocking: true`',
      can: {},
      open: open(notBlocking),
    },
  ],
};
