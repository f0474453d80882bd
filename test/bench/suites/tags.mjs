import { monitorEventLoopDelay } from 'node:perf_hooks';
import { callers, contenders, measure } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { startRedis } from '../lib/redis.mjs';
import { sleep } from '../lib/within.mjs';
import { atMost, row } from './row.mjs';

const KEYS = 100_000;
const READ = 5_000;

/** What tags cost a read, and how long it takes to invalidate a tag of 100,000 keys. */
export async function run() {
  const redis = await startRedis();
  const rows = [];
  try {
    const wanted = await contenders(({ name }) =>
      ['nest-query-cache', 'bentocache'].includes(name),
    );
    for (const [tier, label, mostMs] of [
      ['l2', 'Redis', 5],
      ['l1', 'memory', 2],
    ]) {
      const open = [];
      for (const contender of wanted) {
        for (const tagged of [false, true]) {
          const cache = await contender.create({
            tier,
            redis,
            prefix: `tags${tagged ? 'yes' : 'no'}${open.length}`,
            tags: tagged ? ['team'] : undefined,
          });
          const ours = contender.kind === 'ours';
          const options = tagged
            ? { tags: ['team'], ...(ours ? {} : { ttlMs: 3.6e6 }) }
            : ours
              ? undefined
              : { ttlMs: 3.6e6 };
          const count = ours && tagged ? KEYS : READ;
          const fill = async (i) => cache.getOrSet(`k:${i}`, async () => json.small, options);
          await callers(500)(fill, count);
          open.push({
            name: `${contender.name}${tagged ? ', tagged' : ''}`,
            cache,
            fill,
            options,
            ours,
            tagged,
          });
        }
      }
      const cases = open.map(({ name, fill }) => ({
        name,
        loop: callers(64),
        fn: (i) => fill(i % READ),
      }));
      const result = await measure(`tagged and untagged hits, ${label}, 64 callers`, cases, {
        clock: 'real',
      });
      const ratio = result.ratio('nest-query-cache, tagged', 'nest-query-cache');
      rows.push(
        row(
          `tagged over untagged hit, ${label}, 64 callers`,
          '>= 0.8x',
          ratio,
          0.8,
          result,
          'nest-query-cache, tagged',
        ),
        row('', '(the same for bentocache)', result.ratio('bentocache, tagged', 'bentocache')),
      );
      const { cache, fill } = open.find(({ ours, tagged }) => ours && tagged);
      const times = [];
      const delay = monitorEventLoopDelay({ resolution: 1 });
      await sleep(50);
      delay.enable();
      for (let i = 0; i < 9; i++) {
        const start = performance.now();
        await cache.invalidateTag('team');
        times.push(performance.now() - start);
        await sleep(20);
      }
      delay.disable();
      let produced = false;
      await cache.getOrSet('k:77', async () => ((produced = true), json.small), { tags: ['team'] });
      if (!produced) throw new Error('the invalidation had no effect');
      void fill;
      const best = times.sort((a, b) => a - b)[4];
      rows.push(
        atMost(
          `invalidating a tag of 100,000 keys, ${label}`,
          `<= ${mostMs} ms`,
          Number(best.toFixed(2)),
          'ms',
          mostMs,
        ),
      );
      for (const each of open) await each.cache.close();
      await redis.clear();
    }
  } finally {
    await redis.stop();
  }
  return rows;
}
