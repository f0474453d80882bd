import { callers, contenders, measure } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { startRedis } from '../lib/redis.mjs';
import { row } from './row.mjs';

const FLOOR = 'limit: node-redis GET+JSON.parse, timeout 0';
const OURS = 'nest-query-cache';
const PEERS = [
  'bentocache',
  'cache-manager',
  'cacheable',
  'cachified',
  'async-cache-dedupe',
  'layered-loader',
  'keyv',
];
// More keys than callers, so that nobody gains by joining two reads of one key.
const SETS = [
  {
    size: 'small',
    label: '200 B',
    keys: 2_000,
    callers: [64, 512],
    least: [1.1, 1.3],
    leastPeer: [1.5, 2.5],
  },
  {
    size: 'medium',
    label: '4 KB',
    keys: 2_000,
    callers: [64, 512],
    least: [0.9],
    leastPeer: [1.3],
  },
  { size: 'large', label: '110 KB', keys: 200, callers: [64], least: [0.95], leastPeer: [] },
];

/** Hits in Redis. */
export async function run() {
  const redis = await startRedis();
  const rows = [];
  try {
    for (const set of SETS) {
      const keys = Array.from({ length: set.keys }, (_, i) => `user:profile:${i}:${set.size}`);
      const open = [];
      for (const contender of await contenders(
        ({ name, tiers }) => tiers.includes('l2') && !name.includes('Buffer'),
      )) {
        const cache = await contender.create({
          tier: 'l2',
          redis,
          prefix: `hit${open.length}${set.size}`,
        });
        open.push(cache);
        for (let i = 0; i < keys.length; i += 200)
          await Promise.all(
            keys.slice(i, i + 200).map((key) => cache.set(key, json[set.size], { ttlMs: 3.6e6 })),
          );
        cache.case = contender;
      }
      for (const [at, count] of set.callers.entries()) {
        const cases = open.map((cache) => {
          const options = cache.case.kind === 'ours' ? undefined : { ttlMs: 3.6e6 };
          const miss = () => Promise.reject(new Error(`${cache.case.name} missed`));
          const fn =
            cache.getOrSet === undefined
              ? (i) => cache.get(keys[i % keys.length])
              : (i) => cache.getOrSet(keys[i % keys.length], miss, options);
          return { name: cache.case.name, loop: callers(count), fn };
        });
        const result = await measure(`hit in Redis, ${count} callers, ${set.label}`, cases, {
          clock: 'real',
        });
        const best = result.best(PEERS);
        const [least, leastPeer] = [set.least[at], set.leastPeer[at]];
        const goal = (value, what) => (value === undefined ? `(${what})` : `>= ${value}x ${what}`);
        rows.push(
          row(
            `hit in Redis, ${count} callers, ${set.label}`,
            goal(least, 'of node-redis `GET` and `JSON.parse`'),
            result.ratio(OURS, FLOOR),
            least,
            result,
            OURS,
          ),
          row('', goal(leastPeer, `the best peer, ${best}`), result.ratio(OURS, best), leastPeer),
        );
      }
      for (const cache of open) await cache.close();
    }
  } finally {
    await redis.stop();
  }
  return rows;
}
