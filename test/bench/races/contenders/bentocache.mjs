import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { limitedIoRedis } from '../limited-clients.mjs';

const open = ({ redis, prefix, load, window, hardTimeout, limited }) => {
  let store = bentostore().useL1Layer(memoryDriver({ maxSize: '10mb' }));
  if (redis !== undefined) {
    const connection = { host: redis.host, port: redis.port, ...(limited ? limitedIoRedis : {}) };
    store = store.useL2Layer(redisDriver({ connection })).useBus(redisBusDriver({ connection }));
  }
  const bento = new BentoCache({
    default: 'main',
    prefix,
    ttl: window === undefined ? '1m' : window.fresh,
    ...(window === undefined ? {} : { grace: window.stale, timeout: 0 }),
    ...(hardTimeout === undefined ? {} : { hardTimeout }),
    ...(limited ? { l2CircuitBreakerDuration: '1s' } : {}),
    stores: { main: store },
  });
  return {
    read: (key, tags) => bento.getOrSet({ key, factory: () => load(key), tags }),
    delete: (key) => bento.delete({ key }),
    invalidateTag: (tag) => bento.deleteByTag({ tags: [tag] }),
    clear: () => bento.clear(),
    close: () => bento.disconnect(),
  };
};

const can = { window: true, hardTimeout: true };

export const library = {
  name: 'bentocache',
  packages: ['bentocache', 'ioredis'],
  setups: [
    { name: 'memory', text: '`bentostore().useL1Layer(memoryDriver({ maxSize }))`', can, open },
    {
      name: 'memory + Redis',
      shared: true,
      text: 'the same, `.useL2Layer(redisDriver(...)).useBus(redisBusDriver(...))`; limited: ioredis with limits, `l2CircuitBreakerDuration`',
      can,
      canLimit: true,
      open,
    },
  ],
};
