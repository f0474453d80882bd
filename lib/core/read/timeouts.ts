import type { Clock } from '../../ports/clock.js';
import type { Millis } from '../../ports/time.js';

/** A timeout that was started; ends when it is cancelled or has fired. */
export class Timeout {
  previous: Timeout | undefined;
  next: Timeout | undefined;

  constructor(
    readonly queue: TimeoutQueue,
    readonly firesAt: Millis,
    readonly onTimeout: () => void,
  ) {}

  cancel(): void {
    this.queue.remove(this);
  }
}

/** Timeouts of one length, in the order in which they end; one timer, for the first of them. */
class TimeoutQueue {
  #first: Timeout | undefined;
  #last: Timeout | undefined;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(
    readonly clock: Clock,
    readonly ms: Millis,
  ) {}

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  add(onTimeout: () => void): Timeout {
    const timeout = new Timeout(this, this.clock.now() + this.ms, onTimeout);
    timeout.previous = this.#last;
    if (this.#last === undefined) this.#first = timeout;
    else this.#last.next = timeout;
    this.#last = timeout;
    // The timer of a timeout that was cancelled goes on: starting one costs more than it firing.
    this.#cancelTimer ??= this.clock.after(this.ms, this.#onTimer);
    return timeout;
  }

  remove(timeout: Timeout): void {
    const { previous, next } = timeout;
    if (previous === undefined && this.#first !== timeout) return;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    timeout.previous = timeout.next = undefined;
    if (this.#isStopped && this.isEmpty) this.#endTimer();
  }

  /** The timer ends with the last timeout. */
  stop(): void {
    this.#isStopped = true;
    if (this.isEmpty) this.#endTimer();
  }

  readonly #onTimer = (): void => {
    this.#cancelTimer = undefined;
    for (let first = this.#first; first !== undefined; first = this.#first) {
      // A wall clock that was set back must not make a timeout wait for it to catch up. The time is
      // read for each: one that was started by another's firing has its whole length before it.
      const left = first.firesAt - this.clock.now();
      if (left > 0 && left <= this.ms) break;
      this.remove(first);
      first.onTimeout();
    }
    const next = this.#first;
    if (next === undefined) return;
    // A timeout may have been added, and have started a timer, while the others fired.
    const left = Math.max(1, next.firesAt - this.clock.now());
    this.#cancelTimer ??= this.clock.after(left, this.#onTimer);
  };

  #endTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}

/**
 * Timeouts that share timers: those of the same length end in the order in which they began, so
 * one timer per length is enough. A timer each would cost more than the rest of a load.
 */
export class Timeouts {
  readonly #queues = new Map<Millis, TimeoutQueue>();
  #isStopped = false;

  constructor(readonly clock: Clock) {}

  start(ms: Millis, onTimeout: () => void): Timeout {
    let queue = this.#queues.get(ms);
    if (queue === undefined) {
      this.#forgetIdle();
      queue = new TimeoutQueue(this.clock, ms);
      this.#queues.set(ms, queue);
      if (this.#isStopped) queue.stop();
    }
    return queue.add(onTimeout);
  }

  /** From now on a timer runs no longer than a timeout needs it: none is left behind. */
  stop(): void {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) queue.stop();
  }

  /** A timeout may be computed for each call: then there are as many lengths as calls. */
  #forgetIdle(): void {
    for (const [ms, queue] of this.#queues) {
      if (!queue.isEmpty) continue;
      queue.stop();
      this.#queues.delete(ms);
    }
  }
}
