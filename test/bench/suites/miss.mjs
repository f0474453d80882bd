import { ISOLATING_PEERS, PEERS, withContenders, withRedis } from '../lib/contest.mjs';
import { callers, compare } from '../lib/harness.mjs';
import { freshSmall } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const FLOOR = 'layered-loader';
const NOT_BELOW = ['bentocache', 'cache-manager', 'cacheable', 'cachified'];
const KEPT = 200_000;

/** Each call has a key of its own. */
function missing({ name, getOrSet }) {
  let next = 0;
  const fn = () => getOrSet(`miss:${String(next++)}`);
  return { name, loop: callers(64), startN: 64, fn };
}

const inMemory = (isolation, least) => async () => {
  const ours = `ours, ${isolation}`;
  const title = `miss and fill, memory (\`${isolation}\`), 64 callers, 200 B`;
  const names = [ours, 'lru-cache fetch', ...PEERS];
  return withContenders(
    { tier: 'l1', names, value: freshSmall, maxEntries: 10_000 },
    async (open) => {
      const result = await compare(title, open.map(missing));
      const [isolating, best] = [result.best(ISOLATING_PEERS), result.best(NOT_BELOW)];
      return [
        ratioRow(
          title,
          `>= ${String(least)}x ${FLOOR}, which does not copy`,
          await result.ratio(ours, FLOOR),
          least,
          result.perSecond(ours),
        ),
        ratioRow(
          '',
          `>= 1x the best peer that isolates values, ${isolating}`,
          await result.ratio(ours, isolating),
          1,
        ),
        ratioRow(
          '',
          `>= 1x the best of ${NOT_BELOW.join(', ')}: ${best}`,
          await result.ratio(ours, best),
          1,
        ),
      ];
    },
  );
};

/** The same with many entries kept: a miss must not cost more for them. */
const amongMany = (isolation, least) => async () => {
  const ours = `ours, ${isolation}`;
  const title = `miss and fill, memory (\`${isolation}\`), ${KEPT.toLocaleString('en')} kept`;
  const given = { tier: 'l1', value: freshSmall };
  return withContenders({ ...given, names: [ours], maxEntries: 1_000 }, (few) =>
    withContenders({ ...given, names: [ours, FLOOR], maxEntries: KEPT }, async (many) => {
      for (const each of few) await each.fill(1_000, (i) => `kept:${String(i)}`);
      for (const each of many) await each.fill(KEPT, (i) => `kept:${String(i)}`);
      const cases = [
        ...many.map(missing),
        ...few.map((each) => ({ ...missing(each), name: 'ours, 1,000 kept' })),
      ];
      const result = await compare(title, cases);
      return [
        ratioRow(
          title,
          `>= ${String(least)}x ${FLOOR}`,
          await result.ratio(ours, FLOOR),
          least,
          result.perSecond(ours),
        ),
        ratioRow(
          '',
          '>= 0.7x of itself with 1,000 kept',
          await result.ratio(ours, 'ours, 1,000 kept'),
          0.7,
        ),
      ];
    }),
  );
};

const inRedis = () =>
  withRedis((redis) => {
    const names = ['ours', 'node-redis GET', ...PEERS];
    const title = 'miss and fill, Redis, 64 callers, 200 B';
    return withContenders({ tier: 'l2', names, value: freshSmall, redis }, async (open) => {
      const result = await compare(title, open.map(missing), { clock: 'real' });
      const best = result.best(PEERS);
      return [
        ratioRow(
          title,
          `>= 1x the best peer, ${best}`,
          await result.ratio('ours', best),
          1,
          result.perSecond('ours'),
        ),
        ratioRow('', '(the same in processor time)', await result.ratio('ours', best, 'processor')),
        ratioRow(
          '',
          '(of node-redis `GET` and `SET`, single flight)',
          await result.ratio('ours', 'node-redis GET'),
        ),
      ];
    });
  });

export const rows = {
  'miss-memory-copy': inMemory('copy', 0.6),
  'miss-memory-freeze': inMemory('freeze', 0.5),
  'miss-memory-copy-200k': amongMany('copy', 0.6),
  'miss-memory-freeze-200k': amongMany('freeze', 0.5),
  'miss-redis': inRedis,
};
