import { callers, contenders, measure } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { startRedis } from '../lib/redis.mjs';
import { row } from './row.mjs';

const OURS = 'nest-query-cache';
const PEERS = [
  'bentocache',
  'cache-manager',
  'cacheable',
  'cachified',
  'async-cache-dedupe',
  'layered-loader',
];

/** Misses whose producer answers at once, with the fill. */
export async function run() {
  const redis = await startRedis();
  const rows = [];
  try {
    for (const [tier, label, least] of [
      ['l2', 'Redis', 1.3],
      ['l1', 'memory', undefined],
    ]) {
      const open = [];
      for (const contender of await contenders(
        ({ name, tiers }) => tiers.includes(tier) && !name.includes('Buffer'),
      )) {
        const cache = await contender.create({ tier, redis, prefix: `miss${open.length}` });
        if (cache.getOrSet !== undefined) open.push([contender, cache]);
      }
      const cases = open.map(([contender, cache]) => {
        let next = 0;
        const produce = async () => json.small;
        const options = contender.kind === 'ours' ? undefined : { ttlMs: 6e5 };
        return {
          name: contender.name,
          loop: callers(64),
          startN: 64,
          fn: () => cache.getOrSet(`miss:${next++}`, produce, options),
        };
      });
      const result = await measure(`miss and fill, ${label}, 64 callers, 200 B`, cases, {
        clock: 'real',
      });
      const best = result.best(PEERS);
      const goal =
        least === undefined ? `(the best peer, ${best})` : `>= ${least}x the best peer, ${best}`;
      rows.push(
        row(
          `miss and fill, ${label}, 64 callers, 200 B`,
          goal,
          result.ratio(OURS, best),
          least,
          result,
          OURS,
        ),
      );
      for (const [, cache] of open) await cache.close();
      await redis.clear();
    }
  } finally {
    await redis.stop();
  }
  return rows;
}
