import { isTagGroup, MIN_MARKER_TTL_MS, type ScopeGroups } from '../../ports/groups.js';
import type { Millis } from '../../ports/time.js';

const MAX_REMEMBERED = 10_000;
/** A tag that guards entries already is likely to guard more: not every fill has to prolong it. */
const PROLONGED = 1.5;

/**
 * How long the markers in a shared backend are known to live. A marker that ends too early costs
 * misses and revives nothing, so this may be forgotten at any time.
 */
export class MarkerLifetimes {
  readonly #aliveUntil = new Map<string, Millis>();

  /** How long markers have to be kept for an entry of these groups that ends at `until`. */
  keepMs(scopes: readonly ScopeGroups[], until: Millis, now: Millis): Millis {
    const left = Math.max(1, until - now);
    return this.areAlive(scopes, now) ? left * PROLONGED : left;
  }

  /** The markers have been kept for `keepMs`. */
  remember(scopes: readonly ScopeGroups[], now: Millis, keepMs: Millis): void {
    if (this.#aliveUntil.size > MAX_REMEMBERED) this.#aliveUntil.clear();
    const tags = now + keepMs;
    const others = now + Math.max(keepMs, MIN_MARKER_TTL_MS);
    for (const { scope, groups } of scopes) {
      for (const group of groups)
        this.#aliveUntil.set(`${scope}\n${group}`, isTagGroup(group) ? tags : others);
    }
  }

  areAlive(scopes: readonly ScopeGroups[], until: Millis): boolean {
    return scopes.every(({ scope, groups }) =>
      groups.every((group) => (this.#aliveUntil.get(`${scope}\n${group}`) ?? 0) >= until),
    );
  }
}
