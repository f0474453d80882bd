import type { AsyncContext } from '../../ports/context.js';
import type { RoutePlan } from './route.js';

/** What the interceptor of one application has seen of its routes and runs. */
export class Learnt {
  readonly passes = new Passes();
  /** Routes whose tenant is not there yet when the cache looks: nothing of them can be told apart by tenant. */
  readonly lateTenants = new Set<RoutePlan>();
  /** Errors of a cache that came out of a handler: those of the cache in it, not of the one around it. */
  readonly thrownByHandlers = new WeakSet<object>();

  constructor(
    /** Says of which run of a handler a call is part. */
    readonly runs: AsyncContext,
  ) {}
}

const PASS_MS = 5_000;
/** Some 1 MB at most. */
const MAX_PASSES = 1_000;
const MAX_LENGTH = 1_000;

/**
 * Keys whose answer was for one request only. Whoever waited for such a run would have to run the handler afterwards all the same, so for a few
 * seconds nobody waits. It says nothing about what is stored: who passes gets the answer of a run of their own.
 */
export class Passes {
  readonly #until = new Map<string, number>();

  /** Is waiting of no use? When the time is over, the first who asks tries it again, and nobody waits for that one. */
  has(name: () => string, now: number): boolean {
    if (this.#until.size === 0) return false;
    const key = name();
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.set(key, now + PASS_MS);
    return false;
  }

  add(name: string, now: number): void {
    if (name.length > MAX_LENGTH) return;
    this.#until.delete(name);
    this.#until.set(name, now + PASS_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MAX_PASSES && oldest !== undefined) this.#until.delete(oldest);
  }

  remove(name: () => string): void {
    if (this.#until.size > 0) this.#until.delete(name());
  }
}
