/**
 * Tasks of one key run one after another, each when the one before has really ended. Tasks of
 * different keys run side by side.
 */
export class PerKeyQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  enqueue<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const running = before === undefined ? task() : before.then(task);
    const ended = running.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, ended);
    void ended.then(() => {
      if (this.#tails.get(key) === ended) this.#tails.delete(key);
    });
    return running;
  }
}
