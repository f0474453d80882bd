import { withContenders, withRedis } from '../lib/contest.mjs';
import { callers, compare } from '../lib/harness.mjs';
import { json, rng } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const RANKS = 2_000;
const LIFE = 10_000;
const DRAWS = 2 ** 17;
const OURS = 'ours';
const PLAIN = 'node-redis GET';

/** Ranks by Zipf's law: the key of rank r is drawn in proportion to 1 / r. */
function zipf() {
  const sums = [];
  let sum = 0;
  for (let rank = 1; rank <= RANKS; rank++) sums.push((sum += 1 / rank));
  const random = rng(7);
  return Uint16Array.from({ length: DRAWS }, () => {
    const wanted = random() * sum;
    let [low, high] = [0, RANKS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/**
 * The work of a busy process: most calls hit, some miss. A key gets a new name every LIFE calls, at
 * a call of its own, as if it had expired there: so the calls decide which of them miss, and not
 * the clock, and a slow contender has the same work as a fast one.
 */
const mixed = ({ count, size, label }) => {
  const title = `mixed work, Redis, ${String(count)} callers, ${label}`;
  const draws = zipf();
  return () =>
    withRedis((redis) => {
      const tallies = new Map([OURS, PLAIN].map((name) => [name, { calls: 0, productions: 0 }]));
      const value = (name) => {
        tallies.get(name).productions++;
        // A query comes back on a later turn of the loop.
        return new Promise((resolve) => setImmediate(resolve, json[size]));
      };
      return withContenders({ tier: 'l2', names: [OURS, PLAIN], value, redis }, async (open) => {
        const cases = open.map(({ name, getOrSet }) => {
          let next = 0;
          const tally = tallies.get(name);
          const fn = () => {
            const call = next++;
            tally.calls++;
            const rank = draws[call % DRAWS];
            const version = Math.floor((call + rank * 7919) / LIFE);
            return getOrSet(`page:${String(rank)}:${String(version)}`);
          };
          return { name, loop: callers(count), startN: count, fn };
        });
        // Until the first names are gone nearly every call of a rare key misses.
        for (const { loop, fn } of cases) await loop(fn, LIFE);
        const result = await compare(title, cases, { clock: 'real', sliceMs: 200 });
        for (const tally of tallies.values()) Object.assign(tally, { calls: 0, productions: 0 });
        const throughput = await result.ratio(OURS, PLAIN);
        const processor = await result.ratio(OURS, PLAIN, 'processor');
        const [ours, plain] = [OURS, PLAIN].map((name) => {
          const { calls, productions } = tallies.get(name);
          return 100 * (1 - productions / calls);
        });
        return [
          ratioRow(
            title,
            '>= 0.9x of a plain cache-aside, calls a second',
            throughput,
            0.9,
            result.perSecond(OURS),
          ),
          ratioRow('', '>= 0.9x of it, calls a second of processor time', processor, 0.9),
          {
            what: '',
            goal: 'a hit rate within 2 points of its',
            reached: `${ours.toFixed(1)} % and ${plain.toFixed(1)} %`,
            met: Math.abs(ours - plain) <= 2,
          },
        ];
      });
    });
};

const small = { size: 'small', label: '200 B' };
const medium = { size: 'medium', label: '4 KB' };

export const rows = {
  'mixed-64-200b': mixed({ ...small, count: 64 }),
  'mixed-512-200b': mixed({ ...small, count: 512 }),
  'mixed-64-4kb': mixed({ ...medium, count: 64 }),
  'mixed-512-4kb': mixed({ ...medium, count: 512 }),
};
