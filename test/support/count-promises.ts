import { createHook } from 'node:async_hooks';

/**
 * Calls until V8 and the code under test have settled: the first ones load, connect and compile.
 */
const WARM_CALLS = 50;

/**
 * How many promises one awaited call makes, without those of the counting itself: the promise that
 * V8 makes for each `await` counts where it is in the call. Promises of other work count too, so
 * let nothing else run meanwhile.
 *
 * ```ts
 * const promises = await countPromises(() => cache.getOrSet('page', load));
 * ```
 *
 * @param call made `warmCalls` times before the one that counts; for misses take a new key each
 * time
 */
export async function countPromises(
  call: () => unknown,
  { warmCalls = WARM_CALLS }: { readonly warmCalls?: number } = {},
): Promise<number> {
  for (let i = 0; i < warmCalls; i++) await call();
  const own = await countOnce(() => undefined);
  return (await countOnce(call)) - own;
}

async function countOnce(call: () => unknown): Promise<number> {
  let count = 0;
  const hook = createHook({
    init: (_asyncId, type) => {
      if (type === 'PROMISE') count++;
    },
  });
  const settled = Promise.resolve();
  await nextTurn();
  hook.enable();
  try {
    const result = call();
    // `await` makes a promise more for what is none.
    await (isThenable(result) ? result : settled);
    // What the call leaves to be done at once belongs to it: a fill that it does not wait for, say.
    await nextTurn();
  } finally {
    hook.disable();
  }
  return count;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
