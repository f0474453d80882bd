import { MIN_MARKER_TTL_MS, type ScopeGroups } from '../../ports/groups.js';
import type { Millis } from '../../ports/time.js';

const MAX_REMEMBERED = 10_000;

/**
 * How long the markers in a shared backend are known to live. A marker that ends too early costs
 * misses and revives nothing, so this may be forgotten at any time.
 */
export class MarkerLifetimes {
  readonly #aliveUntil = new Map<string, Millis>();

  /** How long markers have to be kept for entries that end at `until`. */
  keepMs(until: Millis, now: Millis): Millis {
    return Math.max(MIN_MARKER_TTL_MS, 2 * (until - now));
  }

  remember(scopes: readonly ScopeGroups[], aliveUntil: Millis): void {
    if (this.#aliveUntil.size > MAX_REMEMBERED) this.#aliveUntil.clear();
    for (const { scope, groups } of scopes) {
      for (const group of groups) this.#aliveUntil.set(`${scope}\n${group}`, aliveUntil);
    }
  }

  areAlive(scopes: readonly ScopeGroups[], until: Millis): boolean {
    return scopes.every(({ scope, groups }) =>
      groups.every((group) => (this.#aliveUntil.get(`${scope}\n${group}`) ?? 0) >= until),
    );
  }
}
