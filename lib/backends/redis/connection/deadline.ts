/** How late a timer may fire before the lateness is taken as a sign that this process, not the server, was slow. */
const LATE_MS = 50;

/**
 * Calls `expired` once `ms` milliseconds have passed, unless the returned function is called before.
 *
 * A timer that fires late means that the event loop was blocked: the answer may lie unread in the socket, or the question may not even have
 * been written. So the loop first gets a turn to deliver, and after a long block half of the time again, once. Otherwise a busy process would
 * take a healthy server for a frozen one.
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

/** Settles as `work` does, or rejects with what `late` makes when `ms` milliseconds have passed before. */
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
