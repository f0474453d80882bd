// The peers are installed here, and the package of this repository beside them, built: as in an
// application that uses them all.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));
const root = join(bench, '..', '..');
const modules = join(bench, 'node_modules');
const target = join(modules, 'nest-query-cache');
const installedList = join(modules, '.installed-package-lock.json');

function run(label, command, args, cwd) {
  console.error(`${label} ...`);
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`${label} failed; its own message is above.`);
}

const same = (one, other) =>
  existsSync(one) && existsSync(other) && readFileSync(one, 'utf8') === readFileSync(other, 'utf8');

function newest(folder) {
  return Math.max(
    ...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, name)).mtimeMs),
  );
}

export function prepare() {
  const lockfile = join(bench, 'package-lock.json');
  if (!same(lockfile, installedList)) {
    // Not `npm ci`: an optional package of a peer is listed for platforms that the registry does
    // not always have.
    const args = [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    // Inside `npm run` the name `npm` may be a package's own, much older one.
    const npm = process.env.npm_execpath;
    const [command, ...all] =
      npm === undefined ? ['npm', ...args] : [process.execPath, npm, ...args];
    run('installing the peers (npm install in test/bench)', command, all, bench);
    copyFileSync(lockfile, installedList);
  }
  const stamp = join(target, 'built');
  const manifest = join(root, 'package.json');
  const changed = Math.max(newest(join(root, 'lib')), statSync(manifest).mtimeMs);
  if (existsSync(stamp) && statSync(stamp).mtimeMs > changed) return;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const began = new Date().toISOString();
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(
    'building nest-query-cache',
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--outDir', join(target, 'dist')],
    root,
  );
  copyFileSync(manifest, join(target, 'package.json'));
  writeFileSync(stamp, began);
}
