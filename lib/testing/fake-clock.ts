import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../ports/clock.js';

interface Timer {
  readonly due: number;
  readonly task: () => void;
}

/**
 * Time that moves only when a test says so.
 *
 * ```ts
 * const clock = new FakeClock();
 * const cache = createCache({ clock, ttl: '30s' });
 * // Runs everything that becomes due, in order, and all that follows from it.
 * await clock.advance(30_000);
 * ```
 */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  /** @param start milliseconds since the epoch; default 2026-01-01 */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const timer = { due: this.#now + Math.max(0, ms), task };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers that wait for their time. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves time by `ms`; timers run at their own moments, earlier ones first, and promises settle in
   * between.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.due);
      timer.task();
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    return next;
  }
}

/**
 * One turn of the event loop: all promises that can settle without input or output have settled.
 */
function settle(): Promise<void> {
  return setImmediate();
}
