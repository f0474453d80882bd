// Runs the specs against each mutant: every one must be caught, and the original must pass.
//   node test/mutants/run.mjs [part of a name]
// MUTANT_RUNS=1000 schedules each; MUTANT_OUTPUT=1 prints the output of those that survive.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { findRedis } from '../find-redis.mjs';
import { mutants } from './mutants.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const wanted = process.argv[2] ?? '';
const runs = process.env.MUTANT_RUNS ?? '1000';
const LIMIT_MS = 600_000;
const ORIGINAL = 'the original';

function runSpecs(name) {
  const env = {
    ...process.env,
    MUTANT: name,
    RACE_RUNS: runs,
    RACE_SEED: process.env.RACE_SEED ?? '20260101',
    REDIS_SERVER_BIN: findRedis()?.bin ?? 'redis-server',
  };
  const args = ['run', '--config', 'test/mutants/vitest.config.mjs', '--bail', '1'];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, ...args, '--reporter', 'verbose'], {
      cwd: root,
      env,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (output += text));
    }
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output: stripVTControlCharacters(output) });
    });
  });
}

/** A mutant that breaks the code instead of the promise proves nothing. */
function verdictOf(name, { code, output }) {
  if (name === ORIGINAL) return code === 0 ? 'passes' : 'FAILS';
  if (!/Tests\s/.test(output)) return 'DID NOT RUN';
  if (code === 0) return 'SURVIVES';
  if (/Failed Suites/.test(output)) return 'BREAKS';
  if (/(?:TypeError|ReferenceError|SyntaxError): /.test(output)) return 'BREAKS';
  return /^\s*[×✗] /m.test(output) ? 'caught' : 'UNHANDLED';
}

function failureIn(output) {
  const title = /^\s*[×✗] (.*?)(?: \d+ms)?$/m.exec(output)?.[1] ?? '';
  const tries = /failed after (\d+) tests?/.exec(output)?.[1];
  const [file, ...path] = title.split(' > ');
  const where = file.replace(/^test\//, '').replace(/\.spec\.ts$/, '');
  return tries === undefined ? `${where}: ${path.at(-1) ?? ''}` : `${where}: run ${tries}`;
}

const waiting = [ORIGINAL, ...mutants.map(({ name }) => name)].filter((name) =>
  name.includes(wanted),
);
const count = waiting.length;
const bad = [];
async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const start = performance.now();
    const result = await runSpecs(name);
    const verdict = verdictOf(name, result);
    const isGood = verdict === 'caught' || verdict === 'passes';
    if (!isGood) bad.push(name);
    const seconds = ((performance.now() - start) / 1_000).toFixed(1).padStart(5);
    const by = verdict === 'passes' ? '' : `  [${failureIn(result.output)}]`;
    console.log(`${verdict.padEnd(11)} ${seconds} s  ${name}${by}`);
    if (!isGood && process.env.MUTANT_OUTPUT !== undefined) console.log(result.output);
  }
}
await Promise.all([work(), work()]);

console.log(
  `\n${count} runs of ${runs} schedules, ` +
    (bad.length === 0 ? 'every mutant caught' : `not as they should be: ${bad.join('; ')}`),
);
process.exitCode = bad.length === 0 ? 0 : 1;
