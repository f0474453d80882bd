// What is measured for each plot: points `{ panel?, x, y, series }`.
import { withRedis } from '../lib/contest.mjs';
import { median } from '../lib/harness.mjs';
import { withWorkers } from './workers.mjs';

const ROUNDS = Number(process.env.GROWTH_ROUNDS ?? 5);
const MAX_KEYS = Number(process.env.GROWTH_MAX_KEYS ?? 1_000_000);
const FLEETS = [1, 2, 4, 8];
const KEYS = 2_000;
const HIT = { kind: 'hit', count: 64, keys: KEYS, clock: 'real', sliceMs: 60 };
const microseconds = ({ processor }) => 1e3 / processor;
const perSecond = ({ real }) => real * 1e3;

const given = (name, tier, more) => ({
  name,
  tier,
  tags: 0,
  prefix: 'growth',
  maxEntries: 200_000,
  ...more,
});

/**
 * Measures points `{ workers, options, panel, x, series }`: each has one slice a round, so that a
 * busy moment of the machine meets a whole curve and not one of its points.
 */
async function inRounds(points, figure, report) {
  const figures = points.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, { workers, options }] of points.entries()) {
      const all = await Promise.all(workers.map((worker) => worker.ask('measure', options)));
      // The first round finds the sizes of the slices.
      if (round > 0) figures[at].push(median(all.map(figure)));
    }
    report(`round ${String(round)} of ${String(ROUNDS)}`);
  }
  return points.map(({ panel, x, series }, at) => ({ panel, x, y: median(figures[at]), series }));
}

async function filled(workers, keys) {
  for (const worker of workers) await worker.ask('fill', { keys });
}

const callersPlot = (report) =>
  withRedis((redis) => {
    const all = ['ours', 'node-redis GET', 'cacheable', 'layered-loader'].map((name, i) =>
      given(name, 'l2', { redis, prefix: `growth${String(i)}` }),
    );
    return withWorkers(all, async (workers) => {
      await filled(workers, KEYS);
      const points = [1, 4, 16, 64, 256, 512].flatMap((count) =>
        workers.map((worker) => ({
          workers: [worker],
          options: { ...HIT, count },
          x: count,
          series: worker.name,
        })),
      );
      return inRounds(points, perSecond, report);
    });
  });

async function keysPlot(report) {
  const all = [];
  const counts = [1_000, 10_000, 100_000, 1_000_000].filter((count) => count <= MAX_KEYS);
  // One contender at a time: a million entries of each do not fit into memory together.
  for (const name of ['ours, copy', 'ours, freeze', 'layered-loader', 'bentocache']) {
    const sizes = counts.map((keys) => given(name, 'l1', { maxEntries: keys }));
    await withWorkers(sizes, async (workers) => {
      for (const [at, keys] of counts.entries()) {
        await filled([workers[at]], keys);
        report(`${name}, filled ${keys.toLocaleString('en')}`);
      }
      for (const [kind, panel] of [
        ['hit', 'hit'],
        ['miss', 'miss and fill'],
      ]) {
        const points = counts.map((keys, at) => ({
          workers: [workers[at]],
          options: { ...HIT, kind, keys, clock: 'processor' },
          panel,
          x: keys,
          series: name,
        }));
        all.push(...(await inRounds(points, microseconds, (step) => report(`${name}, ${step}`))));
      }
    });
  }
  return all;
}

const tagsPlot = (report) =>
  withRedis(async (redis) => {
    const counts = [0, 1, 2, 4, 8, 16];
    const all = [];
    for (const [tier, panel, ours] of [
      ['l1', 'memory', 'ours, freeze'],
      ['l2', 'Redis', 'ours'],
    ]) {
      const wanted = [ours, 'bentocache', 'cacheable'].flatMap((name, i) =>
        counts.map((tags) => given(name, tier, { redis, tags, prefix: `tags${String(tags)}${i}` })),
      );
      await withWorkers(wanted, async (workers) => {
        await filled(workers, KEYS);
        const points = workers.map((worker, at) => ({
          workers: [worker],
          options: HIT,
          panel,
          x: wanted[at].tags,
          series: worker.name === ours ? 'ours' : worker.name,
        }));
        all.push(...(await inRounds(points, microseconds, (step) => report(`${panel}, ${step}`))));
      });
    }
    return all;
  });

/** Fleets of 1 to 8 processes with the same contender on one Redis. */
async function withFleets(names, use) {
  const all = [];
  await withRedis(async (redis) => {
    for (const [i, name] of names.entries()) {
      const wanted = FLEETS.flatMap((size) => {
        const one = given(name, 'l2', { redis, prefix: `fleet${String(size)}${String(i)}` });
        return Array.from({ length: size }, () => one);
      });
      await withWorkers(wanted, async (workers) => {
        const fleets = FLEETS.map((size, at) => {
          const first = FLEETS.slice(0, at).reduce((sum, each) => sum + each, 0);
          return { size, workers: workers.slice(first, first + size) };
        });
        all.push(...(await use(name, fleets)));
      });
    }
  });
  return all;
}

const processesPlot = (report) =>
  withFleets(['ours', 'node-redis GET', 'cacheable', 'layered-loader'], async (name, fleets) => {
    for (const { workers } of fleets) await filled([workers[0]], KEYS);
    const points = fleets.map(({ size, workers }) => ({
      workers,
      options: HIT,
      x: size,
      series: name,
    }));
    return inRounds(points, microseconds, (step) => report(`${name}, ${step}`));
  });

const productionsPlot = (report) =>
  withFleets(['ours', 'bentocache', 'cacheable', 'layered-loader'], async (name, fleets) => {
    const points = [];
    for (const { size, workers } of fleets) {
      await filled(workers, 10);
      const counts = [];
      for (let round = 0; round < ROUNDS; round++) {
        const options = { cold: `cold:${String(round)}`, count: 100, ms: 50 };
        const all = await Promise.all(workers.map((worker) => worker.ask('stampede', options)));
        counts.push(all.reduce((sum, count) => sum + count, 0));
      }
      points.push({ x: size, y: median(counts), series: name });
      report(`${name}, ${String(size)} processes`);
    }
    return points;
  });

export const plots = {
  callers: {
    measure: callersPlot,
    title: 'Hits in Redis, 200 B: calls per second of one process',
    x: 'callers at a time',
    y: 'calls per second',
  },
  keys: {
    measure: keysPlot,
    title: 'Memory, 200 B, 64 callers: processor time of a call, by entries kept',
    x: 'entries kept',
    y: 'microseconds',
  },
  tags: {
    measure: tagsPlot,
    title: 'Hits, 200 B, 64 callers: processor time of a call, by tags of the entry',
    x: 'tags of the entry',
    y: 'microseconds',
  },
  processes: {
    measure: processesPlot,
    title: 'Hits in Redis, 64 callers a process: processor time of a call',
    x: 'processes on one Redis',
    y: 'microseconds',
  },
  productions: {
    measure: productionsPlot,
    title: 'Productions of one cold key, 100 callers a process',
    x: 'processes on one Redis',
    y: 'productions',
    linear: true,
  },
};
