import { createCache } from 'nest-query-cache';
import { median } from '../lib/harness.mjs';
import { sleep } from '../lib/within.mjs';
import { atMost } from './row.mjs';

const CALLERS = 10_000;
const PRODUCER_MS = 50;

/** One cold key, 10,000 callers in one process. */
export async function run() {
  const cache = createCache();
  const walls = [];
  const bytes = [];
  let productions = 0;
  for (let round = 0; round < 7; round++) {
    const produce = async () => {
      productions++;
      await sleep(PRODUCER_MS);
      return { id: round };
    };
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    const start = performance.now();
    const all = new Array(CALLERS);
    for (let i = 0; i < CALLERS; i++) all[i] = cache.getOrSet(`cold:${round}`, produce);
    globalThis.gc?.();
    bytes.push((process.memoryUsage().heapUsed - heap) / CALLERS);
    await Promise.all(all);
    walls.push(performance.now() - start);
  }
  await cache.close();
  const calls = productions / walls.length;
  return [
    atMost('10,000 callers of a cold key, one process', '1 production', calls, 'production', 1),
    atMost(
      '',
      `<= ${PRODUCER_MS * 1.2} ms with a producer of ${PRODUCER_MS} ms`,
      Math.round(median(walls)),
      'ms',
      PRODUCER_MS * 1.2,
    ),
    atMost('', '<= 200 B a caller while it waits', Math.round(median(bytes)), 'B', 200),
  ];
}
