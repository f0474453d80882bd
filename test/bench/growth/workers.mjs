import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('worker.mjs', import.meta.url));
const execArgv = ['--max-old-space-size=6144'];

/** Starts a process with one contender in it; `ask(operation, options)` has it do something. */
export async function startWorker(given) {
  const child = fork(program, [JSON.stringify(given)], { execArgv });
  const waiting = new Map();
  let next = 0;
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error(`the process of ${given.name} did not start`)));
  });
  child.on('message', ({ id, result, problem }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (problem === undefined) resolve(result);
    else reject(new Error(problem));
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values())
      reject(new Error(`the process of ${given.name} ended`));
  });
  return {
    name: given.name,
    ask(operation, options) {
      return new Promise((resolve, reject) => {
        waiting.set(next, { resolve, reject });
        child.send({ id: next++, operation, options });
      });
    },
    stop: () => child.kill('SIGKILL'),
  };
}

export async function withWorkers(all, use) {
  const workers = [];
  try {
    // Two at a time: starting is processor time.
    for (let from = 0; from < all.length; from += 2)
      workers.push(...(await Promise.all(all.slice(from, from + 2).map(startWorker))));
    return await use(workers);
  } finally {
    for (const worker of workers) worker.stop();
  }
}
