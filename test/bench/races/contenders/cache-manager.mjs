import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { KeyvCacheableMemory } from 'cacheable';
import { limitedNodeRedis } from '../limited-clients.mjs';

const open = ({ redis, load, window, limited }) => {
  const stores = [new Keyv({ store: new KeyvCacheableMemory({ ttl: 60_000, lruSize: 5_000 }) })];
  if (redis !== undefined) {
    stores.push(
      new Keyv({
        store: new KeyvRedis(limited ? { url: redis.url, ...limitedNodeRedis } : redis.url),
      }),
    );
  }
  for (const store of stores) store.on('error', () => undefined);
  const cache = createCache({ stores, ttl: 60_000 });
  // It refreshes ahead of the end instead of serving what has ended: the same moment, counted from
  // the other side.
  const options =
    window === undefined
      ? { ttl: 60_000 }
      : { ttl: window.stale, refreshThreshold: window.stale - window.fresh };
  return {
    read: (key) => cache.wrap(key, () => load(key), options),
    delete: (key) => cache.del(key),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  };
};

const can = { window: true };

export const library = {
  name: 'cache-manager',
  packages: ['cache-manager', 'keyv', '@keyv/redis'],
  setups: [
    {
      name: 'memory',
      text: '`createCache({ stores: [new Keyv({ store: new KeyvCacheableMemory({ ttl, lruSize }) })] })`, `wrap`',
      can,
      open,
    },
    {
      name: 'memory + Redis',
      shared: true,
      text: 'a second store, `new Keyv(new KeyvRedis(url))`',
      can,
      canLimit: true,
      open,
    },
  ],
};
