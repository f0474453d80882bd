// The long form of the process runs, with all their figures: about ten minutes. CHAOS_SEED repeats a run's choices. Names of files
// may be given: `npm run test:soak -- faults leases`.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { findRedis } from '../find-redis.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const vitest = path.join(
  path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const named = process.argv.slice(2).map((name) => `test/chaos/${name}`);
const args = [
  vitest,
  'run',
  '--project',
  'alone',
  '--testTimeout',
  '600000',
  ...(named.length > 0 ? named : ['test/chaos']),
];
const env = {
  ...process.env,
  CHAOS: 'long',
  REDIS_SERVER_BIN: process.env.REDIS_SERVER_BIN ?? findRedis()?.bin ?? 'redis-server',
};
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
child.on('exit', (code) => (process.exitCode = code ?? 1));
