/** Work that no caller awaits: it is counted, its failure is reported, and `drain` waits for it. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  run(task: () => Promise<unknown>): void {
    const running: Promise<void> = task().then(
      () => {
        this.#running.delete(running);
      },
      (error: unknown) => {
        this.#running.delete(running);
        this.#report(error);
      },
    );
    this.#running.add(running);
  }

  get size(): number {
    return this.#running.size;
  }

  /** Settles when everything that runs now, and what it starts, has ended. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
