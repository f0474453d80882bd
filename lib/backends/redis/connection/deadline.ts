/** A timer that fires later than this is a sign that this process, not the server, was slow. */
const LATE_MS = 50;

/**
 * Calls `expired` once `ms` milliseconds have passed, unless the returned function is called
 * before.
 *
 * A timer that fires late means that the event loop was blocked: the reply may lie unread in the
 * socket, or the command may not even have been written. So the loop first gets a turn to deliver,
 * and after a long block half of the time again, once. Otherwise a busy process would take a
 * healthy server for a frozen one.
 */
export function startDeadline(ms: number, expired: () => void): () => void {
  let cancelled = false;
  let timer: NodeJS.Timeout;
  const arm = (wait: number, extended: boolean): void => {
    const due = performance.now() + wait;
    timer = setTimeout(() => {
      if (!extended && performance.now() - due > LATE_MS) {
        arm(Math.max(wait / 2, LATE_MS), true);
        return;
      }
      setImmediate(() => {
        if (!cancelled) expired();
      });
    }, wait);
  };
  arm(ms, false);
  return () => {
    cancelled = true;
    clearTimeout(timer);
  };
}

/** Settles as `work` does, or rejects with the error of `late` after `ms` milliseconds. */
export function withDeadline<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = startDeadline(ms, () => {
      reject(late());
    });
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

const LAG_PERIOD_MS = 25;

/**
 * For how long the event loop was blocked, because the process computed, collected garbage or did
 * not get the processor: replies may lie unread meanwhile. Measured only while `isWanted`.
 */
export class EventLoopLag {
  #total = 0;
  #due = Infinity;

  constructor(private readonly isWanted: () => boolean) {}

  /** Milliseconds so far; only differences mean something. */
  total(now: number): number {
    return this.#total + Math.max(0, now - this.#due);
  }

  start(now: number): void {
    if (this.#due !== Infinity) return;
    this.#due = now + LAG_PERIOD_MS;
    setTimeout(() => {
      const at = performance.now();
      this.#total = this.total(at);
      this.#due = Infinity;
      if (this.isWanted()) this.start(at);
    }, LAG_PERIOD_MS).unref();
  }
}
