// What is measured for each plot: points `{ panel?, x, y, series }`.
import { withRedis } from '../lib/contest.mjs';
import { median } from '../lib/harness.mjs';
import { withWorkers } from './workers.mjs';

const ROUNDS = Number(process.env.GROWTH_ROUNDS ?? 5);
const MAX_KEYS = Number(process.env.GROWTH_MAX_KEYS ?? 1_000_000);
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

/** The median over rounds in which each worker has one slice, in turn. */
async function inTurn(workers, options, figure) {
  const figures = new Map(workers.map((worker) => [worker, []]));
  for (const worker of workers) await worker.ask('measure', options);
  for (let round = 0; round < ROUNDS; round++)
    for (const worker of workers)
      figures.get(worker).push(figure(await worker.ask('measure', options)));
  return workers.map((worker) => [worker.name, median(figures.get(worker))]);
}

async function callersPlot(report) {
  const names = ['ours', 'node-redis GET', 'cacheable', 'layered-loader'];
  const points = [];
  await withRedis((redis) => {
    const all = names.map((name, i) => given(name, 'l2', { redis, prefix: `growth${String(i)}` }));
    return withWorkers(all, async (workers) => {
      for (const worker of workers) await worker.ask('fill', { keys: KEYS });
      for (const count of [1, 4, 16, 64, 256, 512]) {
        const figures = await inTurn(workers, { ...HIT, count }, perSecond);
        for (const [series, y] of figures) points.push({ x: count, y, series });
        report(`${String(count)} callers`);
      }
    });
  });
  return points;
}

async function keysPlot(report) {
  const names = ['ours, copy', 'ours, freeze', 'layered-loader', 'bentocache'];
  const points = [];
  for (const keys of [1_000, 10_000, 100_000, 1_000_000].filter((count) => count <= MAX_KEYS)) {
    // One at a time: a million entries of four contenders do not fit into memory at once.
    for (const name of names)
      await withWorkers([given(name, 'l1', { maxEntries: keys })], async (workers) => {
        await workers[0].ask('fill', { keys });
        for (const [kind, panel] of [
          ['hit', 'hit'],
          ['miss', 'miss and fill'],
        ]) {
          const options = { ...HIT, kind, keys, clock: 'processor' };
          const [[series, y]] = await inTurn(workers, options, microseconds);
          points.push({ panel, x: keys, y, series });
        }
        report(`${keys.toLocaleString('en')} keys, ${name}`);
      });
  }
  return points;
}

async function tagsPlot(report) {
  const points = [];
  await withRedis(async (redis) => {
    for (const tags of [0, 1, 2, 4, 8, 16])
      for (const [tier, panel, ours] of [
        ['l1', 'memory', 'ours, freeze'],
        ['l2', 'Redis', 'ours'],
      ]) {
        const all = [ours, 'bentocache', 'cacheable'].map((name, i) =>
          given(name, tier, { redis, tags, prefix: `tags${String(tags)}${String(i)}` }),
        );
        await withWorkers(all, async (workers) => {
          for (const worker of workers) await worker.ask('fill', { keys: KEYS });
          const figures = await inTurn(workers, HIT, microseconds);
          for (const [name, y] of figures)
            points.push({ panel, x: tags, y, series: name === ours ? 'ours' : name });
        });
        report(`${String(tags)} tags, ${panel}`);
      }
  });
  return points;
}

const FLEETS = [1, 2, 4, 8];

async function inFleets(names, report, measure) {
  const points = [];
  await withRedis(async (redis) => {
    for (const processes of FLEETS)
      for (const [i, name] of names.entries()) {
        const prefix = `fleet${String(processes)}${String(i)}`;
        const one = given(name, 'l2', { redis, prefix });
        const all = Array.from({ length: processes }, () => one);
        const y = await withWorkers(all, measure);
        points.push({ x: processes, y, series: name });
        report(`${String(processes)} processes, ${name}`);
      }
  });
  return points;
}

const processesPlot = (report) =>
  inFleets(['ours', 'node-redis GET', 'cacheable', 'layered-loader'], report, async (workers) => {
    await workers[0].ask('fill', { keys: KEYS });
    const together = () => Promise.all(workers.map((worker) => worker.ask('measure', HIT)));
    await together();
    const figures = [];
    for (let round = 0; round < ROUNDS; round++)
      figures.push(median((await together()).map(microseconds)));
    return median(figures);
  });

const productionsPlot = (report) =>
  inFleets(['ours', 'bentocache', 'cacheable', 'layered-loader'], report, async (workers) => {
    await workers[0].ask('fill', { keys: 10 });
    const counts = [];
    for (let round = 0; round < ROUNDS; round++) {
      const options = { cold: `cold:${String(round)}`, count: 100, ms: 50 };
      const all = await Promise.all(workers.map((worker) => worker.ask('stampede', options)));
      counts.push(all.reduce((sum, count) => sum + count, 0));
    }
    return median(counts);
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
