const PERIOD_MS = 25;

/**
 * For how long this process could not notice anything, because it computed, collected garbage or did not get the processor: answers may lie unread
 * meanwhile. Counted only while somebody wants to know.
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
    this.#due = now + PERIOD_MS;
    setTimeout(() => {
      const at = performance.now();
      this.#total = this.total(at);
      this.#due = Infinity;
      if (this.isWanted()) this.start(at);
    }, PERIOD_MS).unref();
  }
}
