// Physical limits: no cache features at all, only the cheapest correct hit/fill.
import { createClient } from 'redis';
import { LRUCache } from 'lru-cache';
const noop = async () => undefined;
const rawMap = {
  name: 'limit: Map',
  kind: 'limit',
  tiers: ['l1'],
  async create() {
    const m = new Map();
    return {
      get: (k) => Promise.resolve(m.get(k)),
      set: (k, v) => {
        m.set(k, v);
        return Promise.resolve();
      },
      close: noop,
      async getOrSet(k, f) {
        let v = m.get(k);
        if (v === undefined) m.set(k, (v = await f()));
        return v;
      },
    };
  },
};
const rawLru = {
  name: 'limit: lru-cache get',
  kind: 'limit',
  tiers: ['l1'],
  async create() {
    const m = new LRUCache({ max: 20000, ttl: 3.6e6 });
    const flying = new Map();
    return {
      get: (k) => Promise.resolve(m.get(k)),
      set: (k, v) => {
        m.set(k, v);
        return Promise.resolve();
      },
      close: noop,
      getOrSet(k, f) {
        const v = m.get(k);
        if (v !== undefined) return Promise.resolve(v);
        let p = flying.get(k);
        if (!p) {
          p = (async () => {
            try {
              const x = await f();
              m.set(k, x);
              return x;
            } finally {
              flying.delete(k);
            }
          })();
          flying.set(k, p);
        }
        return p;
      },
    };
  },
};
const lruFetch = {
  name: 'lru-cache fetch',
  kind: 'peer',
  tiers: ['l1'],
  async create() {
    const m = new LRUCache({
      max: 20000,
      ttl: 3.6e6,
      fetchMethod: (k, o, { context }) => context(),
    });
    return {
      get: (k) => m.fetch(k, { context: () => undefined }),
      set: (k, v) => {
        m.set(k, v);
        return Promise.resolve();
      },
      close: noop,
      getOrSet: (k, f) => m.fetch(k, { context: f }),
    };
  },
};
// Every GET asked for in one tick goes out as one MGET (chunks of 128).
export const coalesce = (mget, max = 128) => {
  let q = [];
  const flush = () => {
    const b = q;
    q = [];
    for (let s = 0; s < b.length; s += max) {
      const part = b.slice(s, s + max);
      mget(part.map((x) => x.k)).then(
        (vs) => {
          for (let j = 0; j < part.length; j++) part[j].ok(vs[j]);
        },
        (e) => part.forEach((x) => x.no(e)),
      );
    }
  };
  return (k) =>
    new Promise((ok, no) => {
      if (q.push({ k, ok, no }) === 1) process.nextTick(flush);
    });
};
export const nodeRedis = (
  name,
  { json, path = false, RESP, buf = false, timeout, mget = false },
) => ({
  name,
  kind: 'limit',
  tiers: ['l2'],
  async create({ redis, prefix = '' }) {
    const c = createClient({
      socket: path ? { path: redis.path } : { host: redis.host, port: redis.port },
      ...(RESP ? { RESP } : {}),
      ...(timeout !== undefined ? { commandOptions: { timeout } } : {}),
    });
    c.on('error', () => undefined);
    await c.connect();
    const g = buf ? c.withTypeMapping({ 36: Buffer }) : c;
    const raw = mget ? coalesce((ks) => g.mGet(ks)) : (k) => g.get(k);
    const get = json
      ? async (k) => {
          const s = await raw(prefix + k);
          return s === null ? undefined : JSON.parse(s);
        }
      : (k) => raw(prefix + k);
    const set = (k, v, o = {}) =>
      c.set(prefix + k, JSON.stringify(v), { expiration: { type: 'PX', value: o.ttlMs ?? 3.6e6 } });
    return {
      get,
      set,
      close: async () => {
        c.destroy();
      },
      async getOrSet(k, f, o) {
        const v = await get(k);
        if (v !== undefined && v !== null) return v;
        const x = await f();
        await set(k, x, o);
        return x;
      },
    };
  },
});
export const contenders = [
  rawMap,
  rawLru,
  lruFetch,
  nodeRedis('limit: node-redis GET+JSON.parse', { json: true }),
  nodeRedis('limit: node-redis GET Buffer', { json: false, buf: true }),
  nodeRedis('limit: node-redis GET+JSON.parse, timeout 0', { json: true, timeout: 0 }),
  nodeRedis('limit: node-redis MGET coalesced+JSON.parse, timeout 0', {
    json: true,
    timeout: 0,
    mget: true,
  }),
];
