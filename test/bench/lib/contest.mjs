// Contenders that are open, and filled alike.
import { callers, contenders } from './harness.mjs';
import { startRedis } from './redis.mjs';

export const PEERS = [
  'async-cache-dedupe',
  'bentocache',
  'bentocache, serialize: false',
  'cache-manager',
  'cacheable',
  'cachified',
  'keyv',
  'keyv 5',
  'layered-loader',
];
/** Peers whose callers cannot change one another's values, by their defaults. */
export const ISOLATING_PEERS = ['bentocache', 'cache-manager', 'cacheable', 'keyv', 'keyv 5'];

/**
 * Opens contenders for one row; `use` gets them as `{ name, cache, getOrSet, fill, hitsOnly }`.
 * After `hitsOnly()` a production is an error, so that a miss cannot pass for a hit.
 * @param value what a production gives: `(name of the contender) => value or promise`
 */
export async function withContenders(
  { tier, names, tags, value, maxEntries = 200_000, redis, prefix = 'row' },
  use,
) {
  const open = [];
  try {
    for (const contender of await contenders(tier, names)) {
      let hitsOnly = false;
      const produce = async () => {
        if (hitsOnly) throw new Error(`${contender.name} missed`);
        return value(contender.name);
      };
      const cache = await contender.create({
        tier,
        redis,
        prefix: `${prefix}${String(open.length)}`,
        tags,
        maxEntries,
        produce,
      });
      open.push({
        name: contender.name,
        cache,
        getOrSet: cache.getOrSet,
        async fill(count, nameOf) {
          hitsOnly = false;
          await callers(200)((i) => cache.getOrSet(nameOf(i)), count);
        },
        hitsOnly: () => (hitsOnly = true),
      });
    }
    return await use(open);
  } finally {
    for (const { cache } of open) await cache.close();
  }
}

export async function withRedis(use) {
  const redis = await startRedis();
  try {
    return await use(redis);
  } finally {
    await redis.stop();
  }
}
