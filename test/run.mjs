// Every check of the repository in one go, each with its time; stops when a static check fails. The
// last line is always `N passed, N failed`: the totals of the specs plus one for each static check.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedis } from './find-redis.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = ['lib', 'test', 'sample'].filter(
  (folder) => existsSync(join(root, folder)) && readdirSync(join(root, folder)).length > 0,
);

/**
 * The script behind a command of an installed package: started with this Node, no shell in between.
 */
function tool(name, bin = name) {
  const { bin: bins } = JSON.parse(
    readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
  );
  return join(root, 'node_modules', name, typeof bins === 'string' ? bins : bins[bin]);
}

// Two run at a time, the longest first. The sample imports the package by its name, so lint and
// types want the build.
const phases = [
  [
    { name: 'build', command: buildCommand, remedy: 'npm run build' },
    {
      name: 'format',
      command: () => [tool('prettier'), '--check', '--log-level', 'warn', '--cache', '.'],
      remedy: 'npm run format',
    },
    {
      name: 'import directions',
      command: () => [
        tool('dependency-cruiser', 'depcruise'),
        '--config',
        '.dependency-cruiser.mjs',
        'lib',
      ],
      remedy: 'npm run floors',
    },
  ],
  [
    {
      name: 'lint',
      command: () => [tool('eslint'), '-c', '.eslintrc.js', '--max-warnings', '0', ...folders],
      remedy: 'npm run build && npm run lint',
    },
    {
      name: 'types',
      command: () => [tool('typescript', 'tsc'), '--noEmit', '--pretty'],
      remedy: 'npm run build && npm run typecheck',
    },
    {
      name: 'unused code',
      command: () => [tool('knip'), '--no-progress', '--no-config-hints'],
      remedy: 'npm run unused',
    },
  ],
];

function buildCommand() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  return [tool('typescript', 'tsc'), '-p', 'tsconfig.build.json'];
}

function run(args, { quiet = false, env = {}, signal } = {}) {
  return new Promise((resolve) => {
    const output = quiet ? 'pipe' : 'inherit';
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...env },
      signal,
    });
    let printed = '';
    child.stdout?.on('data', (data) => (printed += data));
    child.stderr?.on('data', (data) => (printed += data));
    child.on('error', (error) => (printed += String(error)));
    child.on('close', (code) => resolve({ ok: code === 0, output: printed }));
  });
}

const NO_TOTALS = { passed: 0, failed: 0, skipped: 0, unhandled: 0 };
const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

function finish(passed, failed) {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/**
 * Two checks at a time; after a failure none is started any more, and the one still running is
 * ended.
 */
async function runChecks(checks) {
  const waiting = [...checks];
  const stop = new AbortController();
  let passed = 0;
  let failure;
  const worker = async () => {
    for (
      let check = waiting.shift();
      check !== undefined && !stop.signal.aborted;
      check = waiting.shift()
    ) {
      const start = performance.now();
      const { ok, output } = await run(check.command(), { quiet: true, signal: stop.signal });
      if (stop.signal.aborted) return;
      console.log(`${ok ? 'ok    ' : 'FAILED'}  ${check.name} (${since(start)})`);
      if (ok) {
        passed += 1;
      } else {
        failure = { ...check, output };
        stop.abort();
      }
    }
  };
  console.log(`checking: ${checks.map(({ name }) => name).join(', ')} ...`);
  await Promise.all([worker(), worker()]);
  if (failure !== undefined) {
    console.error(
      `\n${failure.output.trim()}\n\nThe check "${failure.name}" failed, see above. Repeat it alone with: ${failure.remedy}`,
    );
  }
  return { passed, ok: failure === undefined };
}

/** One run of vitest. @returns its totals, which the reporter writes to a file */
async function runProjects(projects) {
  const scratch = mkdtempSync(join(tmpdir(), 'nest-query-cache-'));
  const file = join(scratch, 'totals.json');
  const started = performance.now();
  try {
    const { ok } = await run(
      [tool('vitest'), 'run', ...projects.flatMap((project) => ['--project', project])],
      { env: { TOTALS_FILE: file, REDIS_SERVER_BIN: findRedis()?.bin ?? 'redis-server' } },
    );
    const totals = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : NO_TOTALS;
    const failed = totals.failed + totals.skipped;
    console.log(`specs of ${projects.join(', ')}: ${since(started)}`);
    return { ...totals, failed: failed === 0 && !ok ? 1 : failed };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** First what can use both cores; then what mostly waits for processes, packages and samples. */
async function runSpecs() {
  const first = await runProjects(['races', 'unit', 'redis']);
  const others = await Promise.all([runProjects(['chaos']), runProjects(['package'])]);
  const sum = (of) => [first, ...others].reduce((total, totals) => total + of(totals), 0);
  const skipped = sum((totals) => totals.skipped);
  if (skipped > 0) {
    console.error(
      `\n${skipped} tests were skipped: every test must run (look for .skip, .only and .todo).`,
    );
  }
  return {
    passed: sum((totals) => totals.passed),
    failed: sum((totals) => totals.failed),
    unhandled: sum((totals) => totals.unhandled),
  };
}

const start = performance.now();
let passed = 0;
let ok = true;
for (const phase of phases) {
  const checked = ok ? await runChecks(phase) : { passed: 0, ok: false };
  passed += checked.passed;
  ok = checked.ok;
}
if (!ok) {
  finish(passed, 1);
} else {
  const specsStart = performance.now();
  console.log('running the specs ...');
  const specs = await runSpecs();
  console.log(
    `specs: ${since(specsStart)}, ${specs.unhandled} unhandled errors; everything: ${since(start)}`,
  );
  finish(passed + specs.passed, specs.failed);
}
