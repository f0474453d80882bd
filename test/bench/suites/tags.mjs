import { monitorEventLoopDelay } from 'node:perf_hooks';
import { withContenders, withRedis } from '../lib/contest.mjs';
import { callers, compare, median } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { figureRow, ratioRow } from '../lib/rows.mjs';
import { sleep } from '../lib/within.mjs';

const READ = 5_000;
const KEYS = 100_000;
const MOST_BLOCKED_MS = 5;
const nameOf = (i) => `page:${String(i)}`;

const maybeRedis = (tier, use) => (tier === 'l1' ? use(undefined) : withRedis(use));

/** What a tag costs a read. */
const read = (tier, label, clock) => () =>
  maybeRedis(tier, (redis) => {
    const ours = tier === 'l1' ? 'ours, freeze' : 'ours';
    const names = [
      ours,
      tier === 'l1' ? 'bentocache, serialize: false' : 'bentocache',
      'cacheable',
    ];
    const given = { tier, names, value: () => structuredClone(json.small) };
    const title = `tagged over untagged hit, ${label}, 64 callers`;
    const cases = (open, tagged) =>
      open.map(({ name, getOrSet }) => ({
        name: `${name}${tagged ? ', tagged' : ''}`,
        loop: callers(64),
        startN: 64,
        fn: (i) => getOrSet(nameOf(i % READ)),
      }));
    return withContenders({ ...given, redis, prefix: 'plain' }, (plain) =>
      withContenders({ ...given, redis, prefix: 'tagged', tags: ['team'] }, async (tagged) => {
        for (const each of [...plain, ...tagged]) {
          await each.fill(READ, nameOf);
          each.hitsOnly();
        }
        const all = [...cases(plain, false), ...cases(tagged, true)];
        const result = await compare(title, all, { clock });
        const ratio = (name) => result.ratio(`${name}, tagged`, name);
        return [
          ratioRow(title, '>= 0.85x', await ratio(ours), 0.85, result.perSecond(`${ours}, tagged`)),
          ratioRow('', `(the same for ${names[1]})`, await ratio(names[1])),
          ratioRow('', '(the same for cacheable)', await ratio('cacheable')),
        ];
      }),
    );
  });

/** How long it takes to invalidate a tag of 100,000 keys, and whether it holds up the loop. */
const invalidate = (tier, label, mostMs) => () =>
  maybeRedis(tier, (redis) =>
    withContenders(
      {
        tier,
        names: [tier === 'l1' ? 'ours, freeze' : 'ours'],
        value: () => structuredClone(json.small),
        tags: ['team'],
        redis,
      },
      async ([ours]) => {
        await ours.fill(KEYS, nameOf);
        globalThis.gc?.();
        const times = [];
        const delay = monitorEventLoopDelay({ resolution: 1 });
        await sleep(50);
        delay.enable();
        for (let i = 0; i < 9; i++) {
          const start = performance.now();
          await ours.cache.invalidateTag('team');
          times.push(performance.now() - start);
          await sleep(20);
        }
        delay.disable();
        ours.hitsOnly();
        const missed = await ours.getOrSet(nameOf(77)).then(
          () => false,
          () => true,
        );
        if (!missed) throw new Error('the invalidation had no effect');
        const title = `invalidating a tag of ${KEYS.toLocaleString('en')} keys, ${label}`;
        const blocked = Math.max(0, delay.percentile(90) / 1e6 - 1);
        return [
          figureRow(title, `<= ${String(mostMs)} ms`, median(times), 'ms', mostMs),
          figureRow(
            '',
            `(event loop held up, 90 % below; goal ${String(MOST_BLOCKED_MS)} ms)`,
            blocked,
            'ms',
          ),
        ];
      },
    ),
  );

export const rows = {
  'tags-memory': read('l1', 'memory', 'processor'),
  'tags-redis': read('l2', 'Redis', 'real'),
  'invalidate-memory': invalidate('l1', 'memory', 2),
  'invalidate-redis': invalidate('l2', 'Redis', 5),
};
