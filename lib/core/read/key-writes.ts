/** More keys that hang mean that the backend does, and not that a key is unlucky. */
const MOST_GIVEN_UP = 10_000;

/**
 * Writes of a key go one after the other, each when the one before has really ended: a deadline ends the waiting of its caller, not the write, and a
 * tombstone must not be overtaken by the value it buries.
 *
 * A key whose write does not end in time is given up, so that one write that hangs is the trouble of one key: nothing of it is believed, no further
 * write is begun, and none waits, until the one that hangs has ended and what it left is removed.
 */
export class KeyWrites {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #givenUp = new Set<string>();
  readonly #recovering = new Set<string>();

  constructor(readonly remove: (key: string) => Promise<unknown>) {}

  isGivenUp(key: string): boolean {
    return this.#givenUp.size > 0 && this.#givenUp.has(key);
  }

  /** Only for keys that are not given up. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    return this.#append(key, () => {
      if (this.#givenUp.has(key)) throw new Error('an earlier write of the key did not end.');
      return task();
    });
  }

  /** @returns false when there are too many already: then somebody else has to see to it */
  giveUp(key: string): boolean {
    if (this.#givenUp.size >= MOST_GIVEN_UP && !this.#givenUp.has(key)) return false;
    this.#givenUp.add(key);
    this.recover(key);
    return true;
  }

  /** Tries once, after what hangs, unless that is being tried already. */
  recover(key: string): void {
    if (this.#recovering.has(key)) return;
    this.#recovering.add(key);
    this.#append(key, () => this.remove(key))
      .then(
        () => this.#givenUp.delete(key),
        // tried again when somebody next wants to write the key
        () => undefined,
      )
      .finally(() => this.#recovering.delete(key));
  }

  #append<T>(key: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.#tails.get(key) ?? Promise.resolve()).then(task);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, settled);
    void settled.then(() => {
      if (this.#tails.get(key) === settled) this.#tails.delete(key);
    });
    return turn;
  }
}
