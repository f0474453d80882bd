import { createClient } from 'redis';
import { withContenders, withRedis } from '../lib/contest.mjs';
import { median } from '../lib/harness.mjs';
import { freshSmall } from '../lib/payloads.mjs';
import { figureRow } from '../lib/rows.mjs';
import { sleep } from '../lib/within.mjs';

const ENTRIES = 50_000;
const STORED = 2_000;
const CALLERS = 10_000;

function heapUsed() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Bytes of heap for an entry of 200 B: its key, its value, and what the cache adds. */
const inMemory = async () => {
  const names = ['ours, copy', 'ours, freeze', 'lru-cache get', 'layered-loader', 'bentocache'];
  const lines = [];
  for (const name of [...names, 'cacheable']) {
    const given = { tier: 'l1', names: [name], value: freshSmall, maxEntries: ENTRIES * 2 };
    await withContenders(given, async ([each]) => {
      await each.fill(1_000, (i) => `warm:${String(i)}`);
      const before = heapUsed();
      await each.fill(ENTRIES, (i) => `entry:${String(i)}`);
      const bytes = (heapUsed() - before) / ENTRIES;
      console.error(`    ${bytes.toFixed(0)} B ${name}`);
      const what = lines.length === 0 ? 'heap of one entry of 200 B' : '';
      lines.push(figureRow(what, `(${name})`, bytes, 'B'));
    });
  }
  return lines;
};

/** What Redis says that an entry takes, with all that belongs to it: tags, locks, indexes. */
const inRedis = () =>
  withRedis(async (redis) => {
    const client = await createClient({ url: redis.url }).connect();
    const lines = [];
    const contestants = [
      ['ours', undefined],
      ['ours', ['team', 'page']],
      ['node-redis GET', undefined],
      ['cacheable', undefined],
      ['cacheable', ['team', 'page']],
      ['bentocache', undefined],
      ['bentocache', ['team', 'page']],
      ['async-cache-dedupe', ['team', 'page']],
    ];
    for (const [name, tags] of contestants) {
      await redis.clear();
      const given = { tier: 'l2', names: [name], value: freshSmall, tags, redis };
      await withContenders(given, async ([each]) => {
        await each.fill(STORED, (i) => `entry:${String(i)}`);
        let bytes = 0;
        for await (const keys of client.scanIterator({ COUNT: 1_000 })) {
          const sizes = keys.map((key) => client.sendCommand(['MEMORY', 'USAGE', key]));
          for (const size of await Promise.all(sizes)) bytes += size ?? 0;
        }
        const label = tags === undefined ? name : `${name}, two tags`;
        console.error(`    ${(bytes / STORED).toFixed(0)} B ${label}`);
        const what = lines.length === 0 ? 'Redis memory of one entry of 200 B' : '';
        lines.push(figureRow(what, `(${label})`, bytes / STORED, 'B'));
      });
    }
    client.destroy();
    return lines;
  });

/** Bytes of heap for a caller that waits for a production under way. */
const waiting = async () => {
  const names = ['ours, copy', 'ours, freeze', 'async-cache-dedupe', 'layered-loader'];
  const lines = [];
  for (const name of [...names, 'lru-cache get']) {
    let release;
    const value = () => new Promise((resolve) => (release = () => resolve(freshSmall())));
    await withContenders({ tier: 'l1', names: [name], value }, async ([each]) => {
      const bytes = [];
      const round = async (key) => {
        const all = new Array(CALLERS).fill(undefined);
        const before = heapUsed();
        for (let i = 0; i < CALLERS; i++) all[i] = each.getOrSet(key);
        await sleep(5);
        bytes.push(Math.max(0, heapUsed() - before) / CALLERS);
        release();
        release = undefined;
        await Promise.all(all);
      };
      for (let i = 0; i < 7; i++) {
        await round(`cold:${String(i)}`);
        await sleep(20);
      }
      console.error(`    ${median(bytes).toFixed(0)} B ${name}`);
      const ours = name.startsWith('ours');
      lines.push(
        figureRow(
          lines.length === 0 ? 'heap of one waiting caller' : '',
          ours ? `<= 200 B (${name})` : `(${name})`,
          median(bytes),
          'B',
          ours ? 200 : undefined,
        ),
      );
    });
  }
  return lines;
};

export const rows = {
  'cost-entry-memory': inMemory,
  'cost-entry-redis': inRedis,
  'cost-waiting': waiting,
};
