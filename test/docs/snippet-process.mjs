// Runs the given modules one after the other, and reports the result of each.
//   node snippet-process.mjs REDIS_URL FILE...
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { createClient } from 'redis';

const MAX_MODULE_MS = 30_000;

globalThis.$same = (actual, expected, where) => {
  assert.deepStrictEqual(
    actual,
    expected,
    new Error(
      `${where}: the page has ${formatValue(expected)}, the code returned ${formatValue(actual)}`,
    ),
  );
};

globalThis.$throws = async (run, code, where) => {
  let got = 'nothing was thrown';
  try {
    await run();
  } catch (error) {
    if (error.code === code) return;
    got = `it threw ${error.stack}`;
  }
  throw new Error(`${where}: the page has throws ${code}, but ${got}`);
};

function formatValue(value) {
  return JSON.stringify(value, (_, part) =>
    typeof part === 'bigint' ? `${part}n` : part === undefined ? 'undefined' : part,
  );
}

const [url, ...files] = process.argv.slice(2);
const redis = createClient({ url });
redis.on('error', () => undefined);
await redis.connect();

let unhandled;
process.on('unhandledRejection', (reason) => (unhandled = reason));
process.on('uncaughtException', (error) => (unhandled = error));

for (const file of files) {
  // Each page starts with an empty Redis.
  await redis.sendCommand(['FLUSHALL']);
  unhandled = undefined;
  let problem;
  let timer;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`did not end within ${MAX_MODULE_MS / 1000} s`)),
        MAX_MODULE_MS,
      );
    });
    await Promise.race([import(pathToFileURL(file).href), late]);
    await new Promise((resolve) => setImmediate(resolve));
    problem = unhandled;
  } catch (error) {
    problem = error;
  }
  clearTimeout(timer);
  process.send({
    file,
    problem: problem === undefined ? undefined : String(problem?.stack ?? problem),
  });
}
redis.destroy();
process.disconnect();
// A snippet may leave something open, as scripts do that are about to end.
process.exit(0);
