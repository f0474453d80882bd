import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import os from 'node:os';
import { short } from '../lib/harness.mjs';
import { table, writeSection } from '../lib/page.mjs';
import { versionOf } from '../lib/versions.mjs';

const SUITES = [
  'hit-memory',
  'decorated',
  'miss',
  'hit-redis',
  'mixed',
  'tags',
  'stampede',
  'http',
  'cost',
  'import',
  'keys',
  'codecs',
];
const PACKAGES = [
  'async-cache-dedupe',
  'bentocache',
  'cache-manager',
  'cacheable',
  '@epic-web/cachified',
  'keyv-6',
  'keyv',
  'layered-loader',
  '@nestjs/cache-manager',
  '@type-cacheable/core',
  'ioredis',
  'redis',
  'lru-cache',
  'cbor-x',
];
const LONGEST_MS = 240_000;
const page = new URL('../../../docs/bench.md', import.meta.url);
const program = fileURLToPath(new URL('row-process.mjs', import.meta.url));

/**
 * Runs the rows whose names begin with one of `wanted`, or all; only all are written to the page.
 */
export async function main({ wanted, write }) {
  const names = await listRows();
  const unknown = wanted.find((prefix) => !names.some(([, row]) => row.startsWith(prefix)));
  if (unknown !== undefined) {
    const known = names.map(([, row]) => row).join('\n  ');
    throw new Error(`There is no row ${unknown}. The rows, or what they begin with:\n  ${known}`);
  }
  const chosen =
    wanted.length === 0
      ? names
      : names.filter(([, row]) => wanted.some((prefix) => row.startsWith(prefix)));
  const began = performance.now();
  const lines = [];
  const failed = [];
  for (const [at, [suite, row]] of chosen.entries()) {
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    console.error(`[${String(at + 1)}/${String(chosen.length)}, ${minutes} min] ${row}`);
    const { rows, problem } = await runRow(suite, row);
    if (problem === undefined) lines.push(...rows);
    else {
      failed.push(row);
      console.error(`  did not run: ${problem}`);
      lines.push({ what: row, goal: '', reached: 'did not run', met: false });
    }
  }
  const text = [heading(began), tableOf(lines)].join('\n\n');
  console.log(text);
  if (write && wanted.length === 0) writeSection(page, 'bench', text);
  if (failed.length > 0) throw new Error(`Did not run: ${failed.join(', ')}.`);
}

async function listRows() {
  const names = [];
  for (const suite of SUITES) {
    const { rows } = await import(new URL(`${suite}.mjs`, import.meta.url));
    for (const row of Object.keys(rows)) names.push([suite, row]);
  }
  return names;
}

/** In a process of its own: what V8 has learnt in one row neither helps nor harms the next. */
function runRow(suite, row) {
  return new Promise((resolve) => {
    const child = fork(program, [suite, row], { execArgv: ['--expose-gc'] });
    let result = { problem: 'its process ended' };
    const timer = setTimeout(() => {
      result = { problem: `not done in ${String(LONGEST_MS / 1e3)} s` };
      child.kill('SIGKILL');
    }, LONGEST_MS);
    child.on('message', (message) => (result = message));
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}

function heading(began) {
  const date = new Date().toISOString().slice(0, 10);
  const minutes = ((performance.now() - began) / 60_000).toFixed(0);
  const load = os.loadavg()[2].toFixed(0);
  return [
    `Measured ${date} in ${minutes} minutes with Node ${process.versions.node} on ` +
      `${String(os.cpus().length)} cores with a load of ${load}:`,
    `${PACKAGES.map((name) => `${name.replace(/-\d$/, '')} ${versionOf(name)}`).join(', ')}.`,
  ].join('\n');
}

function tableOf(lines) {
  return table(
    ['what', 'goal', 'reached', 'middle half', '', 'per second'],
    lines.map(({ what, goal, reached, spread = '', met, perSecond }) => [
      what,
      goal,
      reached,
      spread,
      met === undefined ? '' : met ? 'met' : '**missed**',
      perSecond === undefined ? '' : short(perSecond),
    ]),
  );
}
