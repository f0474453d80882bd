import type { AsyncContext } from '../ports/context.js';

/** Collects the invalidations that a task, and whatever it calls and publishes, has started. */
export class Waiting {
  constructor(readonly context: AsyncContext) {}

  /** Settles when the task and the invalidations it started have settled; a failed invalidation is told to whoever started it. */
  async run<T>(task: () => Promise<T> | T): Promise<T> {
    const started = new Set<Promise<unknown>>();
    return this.context.run(started, async () => {
      try {
        return await task();
      } finally {
        while (started.size > 0) {
          const some = [...started];
          await Promise.allSettled(some);
          for (const one of some) started.delete(one);
        }
      }
    });
  }

  note<T>(invalidation: Promise<T>): Promise<T> {
    const started = this.context.current();
    if (started instanceof Set) started.add(invalidation);
    return invalidation;
  }
}
