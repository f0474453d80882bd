import type { Clock } from '../../ports/clock.js';
import type { Call } from '../options/call.js';
import type { Flight, Landing } from './flight.js';

export const SOFT_TIMEOUT = Symbol('soft timeout');

/**
 * Waits around the flight, never inside it: an impatient caller cannot fail a patient one.
 * @param softMs when something can stand in for the result after so long; 0 for never
 */
export function waitFor(
  flight: Flight,
  call: Call,
  softMs: number,
  clock: Clock,
): Promise<Landing | typeof SOFT_TIMEOUT> {
  const { signal } = call;
  if (signal === undefined && softMs === 0) return flight.landing;
  return new Promise((resolve, reject) => {
    const end = (): void => {
      signal?.removeEventListener('abort', onAbort);
      cancel?.();
    };
    const onAbort = (): void => {
      end();
      // The caller's own reason, whatever it is.
      const reason: unknown = signal?.reason;
      flight.leave(reason);
      reject(reason);
    };
    const cancel =
      softMs === 0
        ? undefined
        : clock.after(softMs, () => {
            if (flight.overtaken) return;
            end();
            resolve(SOFT_TIMEOUT);
          });
    if (signal?.aborted === true) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    flight.landing.then(
      (landing) => {
        end();
        resolve(landing);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
  });
}
