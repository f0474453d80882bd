import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const OLDEST = [6, 2];
const USUAL_FOLDERS = [
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
  '/snap/bin',
];

/**
 * Where the Redis server for the tests is: `REDIS_SERVER_BIN`, else `redis-server` on the PATH or
 * in the usual folders.
 * @returns `{ bin, version }`, or `{ problem }` with a sentence for people when one was named or
 * found but cannot be used, or undefined
 */
export function findRedis(env = process.env) {
  const named = env.REDIS_SERVER_BIN;
  if (named) {
    const found = ask(named);
    return (
      found ?? {
        problem: `REDIS_SERVER_BIN is ${JSON.stringify(named)}, but running it with --version failed. Correct or unset it.`,
      }
    );
  }
  const folders = [...(env.PATH ?? '').split(delimiter).filter(Boolean), ...USUAL_FOLDERS];
  for (const folder of new Set(folders)) {
    const found = ask(join(folder, 'redis-server'));
    if (found) return found;
  }
  return undefined;
}

function ask(bin) {
  const { status, stdout } = spawnSync(bin, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) return undefined;
  const version = /v=(\d+(?:\.\d+)*)/.exec(stdout)?.[1];
  if (version === undefined)
    return { problem: `${bin} does not look like a Redis server: ${stdout.trim()}` };
  const [major, minor] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return {
      problem: `${bin} is Redis ${version}; the tests need ${OLDEST.join('.')} or newer. Install one and name it with REDIS_SERVER_BIN.`,
    };
  }
  return { bin, version };
}
