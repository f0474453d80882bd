import type { Clock } from '../../../lib/ports/clock.js';

/** Time that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 5, 1);
  #tasks: { at: number; task: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  async advance(ms: number): Promise<void> {
    this.#now += ms;
    for (const due of this.#tasks.filter(({ at }) => at <= this.#now)) {
      this.#tasks = this.#tasks.filter((other) => other !== due);
      due.task();
    }
    await Promise.resolve();
  }
}
