import type { AsyncContext } from '../../ports/context.js';

/** What the interceptor of one application has seen of its routes and runs. */
export class Learnt {
  /** Errors of a cache that came out of a handler: those of the cache in it, not of the one around it. */
  readonly thrownByHandlers = new WeakSet<object>();

  constructor(
    /** Says of which run of a handler a call is part. */
    readonly runs: AsyncContext,
  ) {}
}
