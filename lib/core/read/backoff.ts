import type { Millis } from '../../ports/time.js';

const FIRST_MS = 1_000;
const MAX_MS = 30_000;
const MAX_KEYS = 10_000;

interface Pause {
  readonly until: Millis;
  readonly length: Millis;
}

/**
 * How long the origin of a key is left alone after a failed production, while a stale value can
 * answer. The pause doubles from 1 s to 30 s.
 */
export class Backoff {
  readonly #pauses = new Map<string, Pause>();

  isPaused(storageKey: string, now: Millis): boolean {
    if (this.#pauses.size === 0) return false;
    const pause = this.#pauses.get(storageKey);
    return pause !== undefined && now < pause.until;
  }

  onFailure(storageKey: string, now: Millis): void {
    const before = this.#pauses.get(storageKey)?.length ?? FIRST_MS / 2;
    const length = Math.min(MAX_MS, 2 * before);
    this.#pauses.delete(storageKey);
    this.#pauses.set(storageKey, { until: now + length, length });
    if (this.#pauses.size <= MAX_KEYS) return;
    const oldest = this.#pauses.keys().next();
    if (!oldest.done) this.#pauses.delete(oldest.value);
  }

  onSuccess(storageKey: string): void {
    if (this.#pauses.size > 0) this.#pauses.delete(storageKey);
  }
}
