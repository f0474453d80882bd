import type { Clock } from '../../ports/clock.js';
import type { Millis } from '../../ports/time.js';

export const TIMED_OUT = Symbol('timed out');

export interface RaceLimits {
  readonly clock: Clock;
  /** 0 or undefined: no limit. */
  readonly ms?: Millis | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for `work`, but no longer than `ms`, and only until `signal` aborts. The work goes on.
 * @returns `TIMED_OUT` after `ms`
 * @throws what `work` rejects with, and the reason of the signal
 */
export function race<T>(
  work: Promise<T>,
  { clock, ms = 0, signal }: RaceLimits,
): Promise<T | typeof TIMED_OUT> {
  if (ms === 0 && signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancelTimer?.();
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      // The caller's own reason, whatever it is.
      const reason: unknown = signal?.reason;
      reject(reason);
    };
    const cancelTimer =
      ms === 0
        ? undefined
        : clock.after(ms, () => {
            end();
            resolve(TIMED_OUT);
          });
    if (signal?.aborted === true) {
      onAbort();
      // There may be no other caller: its failure must not become an unhandled rejection.
      work.catch(() => undefined);
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
  });
}
