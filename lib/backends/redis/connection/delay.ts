import { replyCode } from './errors.js';

/** No two attempts begin within this time: at most five in a second, also when a link breaks as soon as it stands. */
const MIN_INTERVAL_MS = 200;
/** Small enough that the link is used again within two seconds after the server is back. */
const MAX_DELAY_MS = 700;
/** Wrong credentials do not heal by themselves; asking too often may lock the account. */
const REFUSED_MS = 1_000;
const REFUSALS = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

/** How long to wait before the next attempt to connect: exponential, jittered, bounded; `startedAt` is when the last attempt began. */
export function delayBefore(
  failures: number,
  startedAt: number,
  cause: Error,
  random: () => number = Math.random,
): number {
  const code = replyCode(cause);
  if (failures > 0 && code !== undefined && REFUSALS.has(code))
    return REFUSED_MS * (1 + random() * 0.2);
  const apart = startedAt + MIN_INTERVAL_MS - performance.now();
  const backoff =
    failures === 0 ? 0 : Math.min(MAX_DELAY_MS, 25 * 2 ** failures) * (0.5 + random() / 2);
  return Math.max(apart, backoff, 0);
}

/** A pause that may be cut short, and keeps no process alive. */
export class CancellableDelay {
  #wake: () => void = () => undefined;

  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  cancel(): void {
    this.#wake();
  }
}
