import type { AsyncContext } from '../../ports/context.js';
import { assertTask } from '../options/validate-call.js';

/** The invalidations under way that one task has started. */
class TrackedTask {
  readonly running = new Set<Promise<unknown>>();
  /** False once the task has ended: work that goes on in its context is not waited for. */
  isOpen = true;
}

/** Tracks the invalidations that a task, and everything it calls and publishes, has started. */
export class InvalidationTracker {
  constructor(private readonly context: AsyncContext) {}

  /**
   * Settles when the task and the invalidations that it started have settled. An invalidation that
   * fails rejects for its own caller.
   */
  async run<T>(task: () => Promise<T> | T): Promise<T> {
    assertTask('awaitInvalidations', task);
    const tracked = new TrackedTask();
    return this.context.run(tracked, async () => {
      try {
        return await task();
      } finally {
        while (tracked.running.size > 0) await Promise.allSettled(tracked.running);
        tracked.isOpen = false;
      }
    });
  }

  track<T>(invalidation: Promise<T>): Promise<T> {
    const tracked = this.context.current();
    if (!(tracked instanceof TrackedTask) || !tracked.isOpen) return invalidation;
    const { running } = tracked;
    const settled = (): void => {
      running.delete(invalidation);
    };
    running.add(invalidation);
    invalidation.then(settled, settled);
    return invalidation;
  }
}
