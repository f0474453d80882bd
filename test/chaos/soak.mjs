// The long forms: 120,000 schedules, then the process runs with all their figures. About twenty
// minutes. CHAOS_SEED and RACE_SEED repeat a run's choices. Parts may be named:
//   npm run test:soak -- schedules faults leases
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { findRedis } from '../find-redis.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const vitest = path.join(
  path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);

const env = {
  CHAOS: 'long',
  RACE_RUNS: process.env.RACE_RUNS ?? '120000',
  REDIS_SERVER_BIN: process.env.REDIS_SERVER_BIN ?? findRedis()?.bin ?? 'redis-server',
};

function run(...args) {
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exitCode = status ?? 1;
}

const names = process.argv.slice(2);
const chaos = names.filter((name) => name !== 'schedules').map((name) => `test/chaos/${name}`);
if (names.length === 0 || names.includes('schedules')) {
  run('--project', 'races', 'test/races/schedules', 'test/model');
}
if (names.length === 0 || chaos.length > 0) run('--project', 'chaos', ...chaos);
