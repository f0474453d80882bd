import { PEERS, withContenders } from '../lib/contest.mjs';
import { compare, oneByOne, synchronous } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:profile:${String(i)}:v1`);
const FLOOR = 'lru-cache get';

async function race(title, { value, ours, extra = [] }, use) {
  return withContenders(
    { tier: 'l1', names: [ours, FLOOR, ...PEERS], value: () => structuredClone(value) },
    async (open) => {
      for (const each of open) {
        await each.fill(KEYS.length, (i) => KEYS[i]);
        each.hitsOnly();
      }
      const cases = open.map(({ name, getOrSet }) => ({
        name,
        loop: oneByOne(),
        fn: (i) => getOrSet(KEYS[i % KEYS.length]),
      }));
      return use(await compare(title, [...cases, ...extra]));
    },
  );
}

async function freeze() {
  const ours = 'ours, freeze';
  return race('hit in memory (`freeze`), 200 B', { value: json.small, ours }, async (result) => {
    const best = result.best(PEERS);
    return [
      ratioRow(
        'hit in memory (`freeze`), 200 B',
        '>= 0.6x of `lru-cache` get and a resolved promise',
        await result.ratio(ours, FLOOR),
        0.6,
        result.perSecond(ours),
      ),
      ratioRow('', `(best peer, ${best})`, await result.ratio(ours, best)),
      ratioRow('', '>= 4x async-cache-dedupe', await result.ratio(ours, 'async-cache-dedupe'), 4),
      ratioRow(
        '',
        '>= 25x bentocache without serialising',
        await result.ratio(ours, 'bentocache, serialize: false'),
        25,
      ),
    ];
  });
}

async function copy() {
  const ours = 'ours, copy';
  const text = JSON.stringify(json.medium);
  const extra = [
    { name: 'structuredClone', loop: synchronous(), fn: () => structuredClone(json.medium) },
    { name: 'JSON.parse', loop: synchronous(), fn: () => JSON.parse(text) },
  ];
  const given = { value: json.medium, ours, extra };
  return race('hit in memory (`copy`), 4 KB', given, async (result) => [
    ratioRow(
      'hit in memory (`copy`), 4 KB',
      '>= 0.9x of one structuredClone',
      await result.ratio(ours, 'structuredClone'),
      0.9,
      result.perSecond(ours),
    ),
    ratioRow('', '(one `JSON.parse`)', await result.ratio(ours, 'JSON.parse')),
  ]);
}

export const rows = { 'hit-memory-freeze': freeze, 'hit-memory-copy': copy };
