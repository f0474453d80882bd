import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import { TTL_MS } from './00-limits.mjs';

/** It has no getOrSet: get, produce, set by hand, without single flight. */
const contender = (name, Class) => ({
  name,
  tiers: ['l1', 'l2'],
  async create({ tier, redis, prefix, produce }) {
    const store =
      tier === 'l1' ? new Class() : new Class(new KeyvRedis(redis.url), { namespace: prefix });
    store.on('error', () => undefined);
    return {
      async getOrSet(key) {
        const found = await store.get(key);
        if (found !== undefined) return found;
        const value = await produce();
        await store.set(key, value, TTL_MS);
        return value;
      },
      close: () => store.disconnect(),
    };
  },
});

// The adapter of keyv 6 has no release yet: it runs the one of keyv 5 through its bridge.
export const contenders = [contender('keyv 5', Keyv), contender('keyv', Keyv6)];
