import { setTimeout } from 'node:timers/promises';

/**
 * The two functions of a test runner that the suites need: those of vitest, jest, mocha or
 * node:test.
 */
export interface SuiteRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly it: (title: string, body: () => Promise<void>) => unknown;
}

/** Lets time pass: moves a fake clock on, or sleeps. */
export type Wait = (ms: number) => Promise<unknown>;

/** Really sleeps, a little longer than asked: timers and servers round. */
export const sleep: Wait = (ms) => setTimeout(ms + 2);

/**
 * Waits, by real time and at most 5 s, for what travels: until `check` returns something other than
 * false or undefined.
 */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  for (let tries = 0; tries < 1_000; tries++) {
    const result = await check();
    if (result !== false && result !== undefined) return result as Exclude<T, false | undefined>;
    await setTimeout(5);
  }
  throw new Error(`Waited 5 s in vain for: ${what}.`);
}
