import { Redis } from 'ioredis';
import {
  createGroupNotificationPair,
  createNotificationPair,
  GroupLoader,
  Loader,
  RedisCache,
  RedisGroupCache,
} from 'layered-loader';
import { limitedIoRedis } from '../limited-clients.mjs';

const TTL = 60_000;

/** Its tags are groups: a loader of its own kind, in which every key belongs to one group. */
const open = async ({ redis, prefix, load, window, tagged, limited }) => {
  const refresh = window === undefined ? {} : { ttlLeftBeforeRefreshInMsecs: TTL - window.fresh };
  const config = {
    inMemoryCache: {
      cacheType: 'lru-map',
      ttlInMsecs: TTL,
      maxItems: 1_000,
      maxGroups: 1_000,
      maxItemsPerGroup: 1_000,
      ...refresh,
    },
    dataSourceGetOneFn: (key) => load(key),
  };
  const clients = [];
  if (redis !== undefined) {
    const connect = () => {
      const client = new Redis({
        host: redis.host,
        port: redis.port,
        ...(limited ? limitedIoRedis : {}),
      });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    };
    const cacheOptions = {
      json: true,
      ttlInMsecs: TTL,
      prefix,
      ...refresh,
      ...(limited ? { timeoutInMsecs: 250 } : {}),
    };
    config.asyncCache = tagged
      ? new RedisGroupCache(connect(), cacheOptions)
      : new RedisCache(connect(), cacheOptions);
    const pair = (tagged ? createGroupNotificationPair : createNotificationPair)({
      channel: prefix,
      consumerRedis: connect(),
      publisherRedis: connect(),
    });
    config.notificationConsumer = pair.consumer;
    config.notificationPublisher = pair.publisher;
  }
  const loader = tagged
    ? new GroupLoader({
        ...config,
        dataSources: [{ name: 'db', getFromGroup: load }],
        dataSourceGetOneFn: undefined,
      })
    : new Loader(config);
  await loader.init();
  return {
    read: (key, tags) => (tagged ? loader.get(key, tags[0]) : loader.get(key)),
    delete: (key) => loader.invalidateCacheFor(key),
    invalidateTag: (tag) => loader.invalidateCacheForGroup(tag),
    clear: () => loader.invalidateCache(),
    close: () => {
      for (const client of clients) client.disconnect();
    },
  };
};

const can = { window: true };

export const library = {
  name: 'layered-loader',
  packages: ['layered-loader', 'ioredis'],
  setups: [
    {
      name: 'memory',
      text: '`new Loader({ inMemoryCache: { cacheType: "lru-map", ... } })`; for tags a `GroupLoader`',
      can,
      open,
    },
    {
      name: 'memory + Redis',
      shared: true,
      text: 'with `asyncCache: new RedisCache(...)` and a notification pair; limited: its `timeoutInMsecs: 250`, ioredis with limits',
      can,
      canLimit: true,
      open,
    },
  ],
};
