import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from '../lib/harness.mjs';
import { figureRow } from '../lib/rows.mjs';

const ROUNDS = 7;
const folder = fileURLToPath(new URL('..', import.meta.url));
const NEST = ['reflect-metadata', '@nestjs/common', '@nestjs/core'];

const imports = {
  'main entry': ['nest-query-cache'],
  'main entry and Redis': ['nest-query-cache', 'nest-query-cache/redis'],
  '@nestjs/common and core alone': NEST,
  'the redis client alone': ['redis'],
  '@nestjs/cache-manager': ['@nestjs/cache-manager'],
  bentocache: ['bentocache'],
  cacheable: ['cacheable'],
};

function importMs(names) {
  const program = [
    'const before = process.cpuUsage();',
    ...names.map((name) => `await import(${JSON.stringify(name)});`),
    'const { user, system } = process.cpuUsage(before);',
    'console.log((user + system) / 1e3);',
    // What the package has open is no reason to wait.
    'process.exit(0);',
  ].join('\n');
  const args = ['--input-type=module', '--eval', program];
  const options = { cwd: folder, encoding: 'utf8' };
  const { stdout, stderr, status } = spawnSync(process.execPath, args, options);
  if (status !== 0) throw new Error(`importing ${names.join(', ')} failed: ${stderr}`);
  return Number(stdout);
}

/** Processor time of an import in a new process, compiling included. */
async function importing() {
  const times = new Map(Object.keys(imports).map((what) => [what, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [what, names] of Object.entries(imports)) times.get(what).push(importMs(names));
  return [...times].map(([what, all], at) => {
    console.error(`    ${median(all).toFixed(0)} ms ${what}`);
    const title = at === 0 ? 'import of the package, processor time' : '';
    return figureRow(title, `(${what})`, median(all), 'ms');
  });
}

export const rows = { import: importing };
