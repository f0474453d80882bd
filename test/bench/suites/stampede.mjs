import { contenders, median } from '../lib/harness.mjs';
import { freshSmall } from '../lib/payloads.mjs';
import { figureRow } from '../lib/rows.mjs';
import { sleep } from '../lib/within.mjs';

const CALLERS = 10_000;
const PRODUCER_MS = 50;
const ROUNDS = 9;
const NAMES = ['ours, copy', 'async-cache-dedupe', 'lru-cache get'];

/** One cold key, many callers in one process, beside a hand-written single flight. */
async function stampede() {
  let productions = 0;
  const produce = async () => {
    productions++;
    await sleep(PRODUCER_MS);
    return freshSmall();
  };
  const open = [];
  for (const contender of await contenders('l1', NAMES)) {
    const given = { tier: 'l1', prefix: 'cold', maxEntries: 10_000, produce };
    open.push({ name: contender.name, cache: await contender.create(given), walls: [], calls: [] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { cache, walls, calls } of open) {
      globalThis.gc?.();
      productions = 0;
      const start = performance.now();
      const all = new Array(CALLERS);
      for (let i = 0; i < CALLERS; i++) all[i] = cache.getOrSet(`cold:${String(round)}`);
      await Promise.all(all);
      walls.push(performance.now() - start);
      calls.push(productions);
    }
  }
  const find = (wanted) => open.find(({ name }) => name === wanted);
  const [ours, dedupe, byHand] = NAMES.map(find);
  for (const { cache } of open) await cache.close();
  const most = PRODUCER_MS * 1.2;
  const title = `${CALLERS.toLocaleString('en')} callers of a cold key, one process`;
  return [
    figureRow(title, '1 production', Math.max(...ours.calls), 'production', 1),
    figureRow(
      '',
      `<= ${String(most)} ms with a producer of ${String(PRODUCER_MS)} ms`,
      median(ours.walls),
      'ms',
      most,
    ),
    figureRow('', '(async-cache-dedupe)', median(dedupe.walls), 'ms'),
    figureRow('', '(a single flight by hand)', median(byHand.walls), 'ms'),
  ];
}

export const rows = { stampede };
