import type { AsyncContext } from '../../ports/context.js';
import { assertTask } from '../options/validate-call.js';

/** The invalidations under way that one task has started. */
class TrackedTask {
  readonly running = new Set<Promise<unknown>>();
  /** False when nobody waits any more: work that goes on in the context of a task that has ended is not collected. */
  open = true;
}

/** Collects the invalidations that a task, and whatever it calls and publishes, has started. */
export class InvalidationTracker {
  constructor(readonly context: AsyncContext) {}

  /** Settles when the task and the invalidations it started have settled; a failed invalidation is told to whoever started it. */
  async run<T>(task: () => Promise<T> | T): Promise<T> {
    assertTask('awaitInvalidations', task);
    const started = new TrackedTask();
    return this.context.run(started, async () => {
      try {
        return await task();
      } finally {
        while (started.running.size > 0) await Promise.allSettled(started.running);
        started.open = false;
      }
    });
  }

  note<T>(invalidation: Promise<T>): Promise<T> {
    const started = this.context.current();
    if (!(started instanceof TrackedTask) || !started.open) return invalidation;
    const { running } = started;
    const settled = (): void => {
      running.delete(invalidation);
    };
    running.add(invalidation);
    invalidation.then(settled, settled);
    return invalidation;
  }
}
