import { Cacheable } from 'cacheable';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
const make = (name, tags) => ({
  name,
  kind: 'peer',
  tiers: tags ? ['tags'] : ['l1', 'l2', 'l1l2'],
  tags,
  async create({ tier, redis, prefix = 'cb' }) {
    const url = redis && `redis://${redis.host}:${redis.port}`;
    const kv = () => new KeyvRedis(url, { namespace: prefix });
    const c =
      tier === 'l1'
        ? new Cacheable({ ttl: '1h', tags })
        : tier === 'l2'
          ? new Cacheable({ primary: new Keyv(kv()), ttl: '1h', tags })
          : new Cacheable({ secondary: kv(), ttl: '1h', tags });
    const p = tags ? prefix + ':' : ''; // Keyv's own namespace wins over the adapter's, so the tagged variant prefixes by itself
    return {
      get: (k) => c.get(p + k),
      set: (k, v, o) =>
        tags ? c.set(p + k, v, { ttl: o?.ttlMs, tags: o?.tags }) : c.set(k, v, o?.ttlMs),
      getOrSet: async (k, f, o) => {
        if (!tags) return c.getOrSet(k, f, { ttl: o?.ttlMs ?? '1h' });
        let v = await c.get(p + k);
        if (v === undefined) await c.set(p + k, (v = await f()), { ttl: o?.ttlMs, tags: o?.tags });
        return v;
      }, // its own getOrSet ignores tags
      invalidateTag: (t) => c.tags.invalidateTag(t),
      close: async () => {
        await c.disconnect();
      },
    };
  },
});
export const contenders = [make('cacheable', false), make('cacheable (tags on)', true)];
