// The floor under all of them: no feature of a cache, the cheapest correct hit and fill.
import { LRUCache } from 'lru-cache';
import { createClient } from 'redis';

/** One running production per key. */
export function singleFlight() {
  const running = new Map();
  return (key, work) => {
    const found = running.get(key);
    if (found !== undefined) return found;
    const promise = work().finally(() => running.delete(key));
    running.set(key, promise);
    return promise;
  };
}

export const TTL_MS = 3_600_000;

const lru = {
  name: 'lru-cache get',
  tiers: ['l1'],
  async create({ produce, maxEntries }) {
    const entries = new LRUCache({ max: maxEntries, ttl: TTL_MS });
    const flight = singleFlight();
    const load = async (key) => {
      const value = await produce();
      entries.set(key, value);
      return value;
    };
    return {
      getOrSet(key) {
        const found = entries.get(key);
        return found === undefined ? flight(key, () => load(key)) : Promise.resolve(found);
      },
      close: async () => undefined,
    };
  },
};

const lruFetch = {
  name: 'lru-cache fetch',
  tiers: ['l1'],
  async create({ produce, maxEntries }) {
    const entries = new LRUCache({ max: maxEntries, ttl: TTL_MS, fetchMethod: produce });
    return { getOrSet: (key) => entries.fetch(key), close: async () => undefined };
  },
};

/** The client without its timer of 5 s per command, which costs more than the command. */
export async function tunedClient(redis) {
  const client = createClient({ url: redis.url, commandOptions: { timeout: 0 } });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Everything asked for in one tick goes out as one MGET, at most 128 keys each. */
function coalescedGet(client) {
  let waiting = [];
  const flush = () => {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += 128) {
      const part = all.slice(from, from + 128);
      client.mGet(part.map(({ key }) => key)).then(
        (texts) => part.forEach(({ resolve }, at) => resolve(texts[at])),
        (error) => part.forEach(({ reject }) => reject(error)),
      );
    }
  };
  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, resolve, reject }) === 1) process.nextTick(flush);
    });
}

/** Plain cache-aside, as many write it by hand: GET, JSON.parse, single flight, SET PX. */
const cacheAside = (name, getOf) => ({
  name,
  tiers: ['l2'],
  async create({ produce, redis, prefix }) {
    const client = await tunedClient(redis);
    const get = getOf(client);
    const flight = singleFlight();
    const load = async (key, name) => {
      const value = await produce();
      await client.set(name, JSON.stringify(value), { expiration: { type: 'PX', value: TTL_MS } });
      return value;
    };
    return {
      async getOrSet(key) {
        const name = `${prefix}:${key}`;
        const text = await get(name);
        return text === null ? flight(key, () => load(key, name)) : JSON.parse(text);
      },
      close: async () => client.destroy(),
    };
  },
});

export const contenders = [
  lru,
  lruFetch,
  cacheAside('node-redis GET', (client) => (name) => client.get(name)),
  cacheAside('node-redis MGET of a tick', coalescedGet),
];
