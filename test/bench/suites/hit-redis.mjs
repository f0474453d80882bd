import { PEERS, withContenders, withRedis } from '../lib/contest.mjs';
import { callers, compare } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const FLOOR = 'node-redis GET';
const COALESCED = 'node-redis MGET of a tick';
const OURS = 'ours';

// More keys than callers, so that nothing is gained by joining two reads of one key.
const hit = ({ count, size, label, keys, least, leastPeer }) => {
  const title = `hit in Redis, ${String(count)} callers, ${label}`;
  const goal = (value, what) =>
    value === undefined ? `(${what})` : `>= ${String(value)}x ${what}`;
  return () =>
    withRedis((redis) =>
      withContenders(
        { tier: 'l2', names: [OURS, FLOOR, COALESCED, ...PEERS], value: () => json[size], redis },
        async (open) => {
          const names = Array.from({ length: keys }, (_, i) => `user:profile:${String(i)}:${size}`);
          for (const each of open) {
            await each.fill(keys, (i) => names[i]);
            each.hitsOnly();
          }
          const cases = open.map(({ name, getOrSet }) => ({
            name,
            loop: callers(count),
            startN: count,
            fn: (i) => getOrSet(names[i % keys]),
          }));
          const result = await compare(title, cases, { clock: 'real' });
          const best = result.best(PEERS);
          return [
            ratioRow(
              title,
              goal(least, 'of node-redis `GET` and `JSON.parse`'),
              await result.ratio(OURS, FLOOR),
              least,
              result.perSecond(OURS),
            ),
            ratioRow(
              '',
              goal(leastPeer, `the best peer, ${best}`),
              await result.ratio(OURS, best),
              leastPeer,
            ),
            ratioRow(
              '',
              '(of one `MGET` for all reads of a tick and `JSON.parse`)',
              await result.ratio(OURS, COALESCED),
            ),
          ];
        },
      ),
    );
};

const small = { size: 'small', label: '200 B', keys: 2_000 };
const medium = { size: 'medium', label: '4 KB', keys: 2_000 };
const large = { size: 'large', label: '110 KB', keys: 200 };

export const rows = {
  'hit-redis-64-200b': hit({ ...small, count: 64, least: 1.1, leastPeer: 1.5 }),
  'hit-redis-512-200b': hit({ ...small, count: 512, least: 1.3, leastPeer: 2.5 }),
  'hit-redis-64-4kb': hit({ ...medium, count: 64, least: 1, leastPeer: 1.3 }),
  'hit-redis-512-4kb': hit({ ...medium, count: 512, least: 1, leastPeer: 1.3 }),
  'hit-redis-64-110kb': hit({ ...large, count: 64, least: 0.95 }),
};
