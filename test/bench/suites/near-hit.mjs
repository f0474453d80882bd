import { contenders, measure, oneByOne, synchronous } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { row } from './row.mjs';

const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:profile:${i}:v1`);
const FLOOR = 'limit: lru-cache get';
const PEERS = [
  'layered-loader',
  'async-cache-dedupe',
  'bentocache',
  'cacheable',
  'cache-manager',
  'cachified',
];

/** Hits in the memory of the process. */
export async function run() {
  const rows = [];
  for (const [size, label] of [
    ['small', '200 B'],
    ['medium', '4 KB'],
  ]) {
    const value = json[size];
    const cases = [];
    const open = [];
    for (const contender of await contenders(
      ({ name, tiers }) =>
        tiers.includes('l1') && !['limit: Map', 'keyv', 'lru-cache fetch'].includes(name),
    )) {
      const cache = await contender.create({ tier: 'l1', prefix: `near${size}` });
      open.push(cache);
      for (const key of KEYS) await cache.set(key, structuredClone(value), { ttlMs: 3.6e6 });
      const miss = () => Promise.reject(new Error(`${contender.name} missed`));
      const options = contender.kind === 'ours' ? undefined : { ttlMs: 3.6e6 };
      cases.push({
        name: contender.name,
        loop: oneByOne(),
        fn: (i) => cache.getOrSet(KEYS[i % KEYS.length], miss, options),
      });
    }
    const clone = {
      name: 'structuredClone',
      loop: synchronous(),
      fn: () => structuredClone(value),
    };
    const text = JSON.stringify(value);
    const parse = { name: 'JSON.parse', loop: synchronous(), fn: () => JSON.parse(text) };
    const result = await measure(`hit in memory, ${label}`, [...cases, clone, parse]);
    const best = result.best(PEERS);
    if (size === 'small') {
      const ours = result.ratio('nest-query-cache', FLOOR);
      rows.push(
        row(
          'hit in memory (`freeze`), 200 B',
          '>= 0.5x of `lru-cache` get and a resolved promise',
          ours,
          0.5,
          result,
          'nest-query-cache',
        ),
        row(
          '',
          '>= 4x async-cache-dedupe',
          result.ratio('nest-query-cache', 'async-cache-dedupe'),
          4,
        ),
        row(
          '',
          '>= 25x bentocache without serialising',
          result.ratio('nest-query-cache', 'bentocache'),
          25,
        ),
        row('', `(best peer: ${best})`, result.ratio('nest-query-cache', best)),
      );
    } else {
      rows.push(
        row(
          'hit in memory (`copy`), 4 KB',
          '>= 0.9x of one structuredClone',
          result.ratio('nest-query-cache (copy)', 'structuredClone'),
          0.9,
          result,
          'nest-query-cache (copy)',
        ),
        row('', '(one `JSON.parse`)', result.ratio('nest-query-cache (copy)', 'JSON.parse')),
      );
    }
    for (const cache of open) await cache.close();
  }
  return rows;
}
