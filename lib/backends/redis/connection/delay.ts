import { replyCode } from './errors.js';

/** Attempts begin at least this far apart, also when connections break as soon as they are open. */
const ATTEMPT_INTERVAL_MS = 200;
/** Small enough that the connection is used again within two seconds after the server is back. */
const MAX_DELAY_MS = 700;
/** Wrong credentials do not heal by themselves; trying too often may lock the account. */
const REFUSED_MS = 1_000;
const REFUSALS = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

/**
 * How long to wait before the next attempt to connect: exponential, jittered, bounded.
 * @param startedAt when the last attempt began, monotonic
 */
export function delayBefore(
  failures: number,
  startedAt: number,
  cause: Error,
  random: () => number = Math.random,
): number {
  const code = replyCode(cause);
  if (failures > 0 && code !== undefined && REFUSALS.has(code))
    return REFUSED_MS * (1 + random() * 0.2);
  const interval = startedAt + ATTEMPT_INTERVAL_MS - performance.now();
  const backoff =
    failures === 0 ? 0 : Math.min(MAX_DELAY_MS, 25 * 2 ** failures) * (0.5 + random() / 2);
  return Math.max(interval, backoff, 0);
}

/** A delay that can be cut short, and does not keep the process alive. */
export class CancellableDelay {
  #end: () => void = () => undefined;

  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  cancel(): void {
    this.#end();
  }
}

const MIN_REPLACE_INTERVAL_MS = 5_000;
const MAX_REPLACE_INTERVAL_MS = 60_000;
/** After this long without a replacement the interval starts small again. */
const REPLACE_RESET_MS = 120_000;

/** Limits how often a connection that works is replaced, less often each time. */
export class ReplacementLimit {
  #lastAt = -Infinity;
  #intervalMs = MIN_REPLACE_INTERVAL_MS;

  /** True when it may be replaced now. */
  tryReplace(now: number): boolean {
    const since = now - this.#lastAt;
    if (since < this.#intervalMs) return false;
    this.#intervalMs =
      since > REPLACE_RESET_MS
        ? MIN_REPLACE_INTERVAL_MS
        : Math.min(this.#intervalMs * 2, MAX_REPLACE_INTERVAL_MS);
    this.#lastAt = now;
    return true;
  }
}
