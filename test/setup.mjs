// Makes a fresh clone ready: dependencies, and a Redis server for the tests. Runs before anything
// is installed, so Node's own modules only.
//   node test/setup.mjs [--no-redis]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedis } from './find-redis.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function stop(sentence) {
  console.error(`\nsetup: ${sentence}\n`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

/**
 * Runs a command with its output visible, and a sign of life every ten seconds where the command
 * itself shows none.
 */
function run(label, command, args, options = {}) {
  console.log(`setup: ${label} ...`);
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      ...options,
    });
    const alive = setInterval(() => console.log(`setup: ${label}, ${seconds()} so far`), 10_000);
    const end = (ok) => {
      clearInterval(alive);
      if (ok) console.log(`setup: ${label}: done in ${seconds()}`);
      resolve(ok);
    };
    child.on('error', () => end(false));
    child.on('exit', (code) => end(code === 0));
  });
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return;
  stop(
    `Node ${process.versions.node} is too old (20.19, 22.12 or newer is needed). Install a current Node and run the command again.`,
  );
}

/**
 * Whether node_modules holds what package-lock.json asks for; npm writes its own list there at the
 * end of an installation.
 */
function installed() {
  const list = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(list, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '' || present[path]?.version === version) return true;
    // Optional packages of other platforms are listed but not installed.
    return (optional || devOptional) && present[path] === undefined;
  });
}

async function installDependencies() {
  if (installed()) return;
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const windows = process.platform === 'win32';
  const ok = npm
    ? await run('installing the dependencies (npm ci)', process.execPath, [npm, ...args])
    : await run('installing the dependencies (npm ci)', 'npm', args, { shell: windows });
  if (ok && installed()) return;
  stop(
    'npm ci failed; its own message is above. Check that the package registry can be reached (npm ping) and that there is disk space, ' +
      'then run the command again. After a change of package.json run `npm install` first.',
  );
}

const has = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

async function installRedisWithApt() {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !has('sudo', '-n', 'true')) return false;
  // RUNLEVEL=1 asks the package not to start its service; where that is not honoured it is stopped
  // below.
  const env = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1'];
  const asRoot = (label, ...command) => {
    const [head, ...tail] = [...(isRoot ? [] : ['sudo', '-n']), ...env, ...command];
    return run(label, head, tail);
  };
  // A stale list is no reason to stop: the installation itself decides.
  await asRoot('reading the package lists (apt-get update)', 'apt-get', 'update', '-qq');
  if (
    !(await asRoot(
      'installing Redis (apt-get install redis-server)',
      'apt-get',
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      'redis-server',
    ))
  )
    return false;
  if (has('systemctl', 'is-active', '--quiet', 'redis-server')) {
    await asRoot(
      'stopping the Redis service that came with it',
      'systemctl',
      'disable',
      '--now',
      'redis-server',
    );
  } else if (has('service', 'redis-server', 'status')) {
    await asRoot('stopping the Redis service that came with it', 'service', 'redis-server', 'stop');
  }
  return true;
}

async function provideRedis() {
  const early = findRedis();
  if (early?.bin) return;
  // A server that was named must be that server; one that is merely too old on the PATH may be
  // joined by another.
  if (early?.problem) stop(early.problem);
  console.log('setup: no redis-server on this machine; the tests run against a real one.');
  if (has('apt-get', '--version')) await installRedisWithApt();
  else if (has('brew', '--version'))
    await run('installing Redis (brew install redis)', 'brew', ['install', '--quiet', 'redis']);
  const found = findRedis();
  if (found?.bin) {
    console.log(`setup: Redis ${found.version} at ${found.bin}`);
    return;
  }
  stop(
    found?.problem ??
      'a Redis server (6.2 or newer) is needed and could not be installed here (apt-get wants root or a sudo without password; brew was not found). Install one (Debian, Ubuntu: sudo apt-get install redis-server; ' +
        'macOS: brew install redis; Fedora: sudo dnf install redis; Alpine: apk add redis; Windows: use WSL), or set REDIS_SERVER_BIN to ' +
        'the path of a redis-server, then run the command again.',
  );
}

checkNode();
await installDependencies();
if (!process.argv.includes('--no-redis')) await provideRedis();
