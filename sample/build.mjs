// Compiles the library and a sample if a source is newer than the last build; otherwise it takes
// some milliseconds. Type errors are left to `npm test`: here `--noCheck` keeps the first start
// short.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = path.resolve(import.meta.dirname, '..');
const cache = path.join(root, '.cache');

/**
 * Brings `dist/` and the compiled sample up to date. Small samples are one project together.
 * @returns the folder of the compiled sample
 */
export async function build(name = 'ledger') {
  const project = existsSync(path.join(root, 'sample', name, 'tsconfig.json'))
    ? `sample/${name}`
    : 'sample';
  const output = path.join(cache, path.basename(project), 'build');
  const folder = project === 'sample' ? path.join(output, name) : output;
  mkdirSync(cache, { recursive: true });
  const unlock = await lock(path.join(cache, 'sample-build.lock'));
  try {
    await Promise.all([
      compile(
        'library',
        ['lib', 'tsconfig.build.json', 'tsconfig.json'],
        'tsconfig.build.json',
        'dist/index.js',
      ),
      compile(
        'sample',
        [project, 'tsconfig.json'],
        `${project}/tsconfig.json`,
        path.relative(root, path.join(folder, 'main.js')),
        [
          '--noResolve', // each file by itself, which the option isolatedModules permits
        ],
      ),
    ]);
  } finally {
    unlock();
  }
  return folder;
}

async function compile(what, sources, project, product, options = []) {
  const changed = Math.max(...sources.map((source) => newest(path.join(root, source))));
  if (changed <= newest(path.join(root, product))) return;
  console.error(`Compiling the ${what} ...`);
  const start = performance.now();
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', project, '--noCheck', ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  const code = await new Promise((resolve, reject) =>
    child.once('error', reject).once('exit', resolve),
  );
  if (code !== 0)
    throw new Error(
      `Compiling the ${what} failed (tsc -p ${project}). Run "npm ci" and try again.`,
    );
  console.error(`Compiled the ${what} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** The latest modification below a path; 0 when there is nothing. */
function newest(location) {
  const stats = statSync(location, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(location).map((name) => newest(path.join(location, name))));
}

/**
 * Two starts at once must not write the same files: the second waits until the first has finished
 * or has died.
 */
async function lock(file) {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isRunning(ownerOf(file))) rmSync(file, { force: true });
      await sleep(50);
    }
  }
}

function ownerOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function isRunning(pid) {
  if (!(pid > 0)) return true; // created a moment ago and not yet written
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
