const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const MAX_KEYS = 10_000;

interface Pause {
  until: number;
  length: number;
}

/** After a failed production of a key that has a stale value: for how long the origin is left alone. Doubles from 1 s to 30 s. */
export class Backoff {
  readonly #pauses = new Map<string, Pause>();

  isPaused(storageKey: string, now: number): boolean {
    if (this.#pauses.size === 0) return false;
    const pause = this.#pauses.get(storageKey);
    return pause !== undefined && now < pause.until;
  }

  onFailure(storageKey: string, now: number): void {
    const length = Math.min(LONGEST_MS, 2 * (this.#pauses.get(storageKey)?.length ?? FIRST_MS / 2));
    this.#pauses.delete(storageKey);
    this.#pauses.set(storageKey, { until: now + length, length });
    if (this.#pauses.size <= MAX_KEYS) return;
    const oldest = this.#pauses.keys().next();
    if (!oldest.done) this.#pauses.delete(oldest.value);
  }

  onSuccess(storageKey: string): void {
    if (this.#pauses.size > 0) this.#pauses.delete(storageKey);
  }

  clear(): void {
    this.#pauses.clear();
  }
}
