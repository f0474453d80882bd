import { cachified, totalTtl } from '@epic-web/cachified';
import { LRUCache } from 'lru-cache';
import { TTL_MS, tunedClient } from './00-limits.mjs';

function memory(maxEntries) {
  const entries = new LRUCache({ max: maxEntries });
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      const ttl = totalTtl(value?.metadata);
      return entries.set(key, value, {
        ttl: ttl === Infinity ? undefined : ttl,
        start: value?.metadata?.createdTime,
      });
    },
    delete: (key) => entries.delete(key),
  };
}

function shared(client, prefix) {
  const expiration = { type: 'PX', value: TTL_MS };
  return {
    name: 'redis',
    async get(key) {
      const text = await client.get(`${prefix}:${key}`);
      return text === null ? null : JSON.parse(text);
    },
    set: (key, value) => client.set(`${prefix}:${key}`, JSON.stringify(value), { expiration }),
    delete: (key) => client.del(`${prefix}:${key}`),
  };
}

export const contenders = [
  {
    name: 'cachified',
    tiers: ['l1', 'l2'],
    async create({ tier, redis, prefix, maxEntries, produce }) {
      const client = tier === 'l1' ? undefined : await tunedClient(redis);
      const cache = tier === 'l1' ? memory(maxEntries) : shared(client, prefix);
      return {
        getOrSet: (key) => cachified({ key, cache, ttl: TTL_MS, getFreshValue: produce }),
        close: async () => client?.destroy(),
      };
    },
  },
];
