import type { Entry } from '../../ports/entry.js';
import type { SharedBackend, ScopeGroups, ScopeReading } from '../../ports/shared-backend.js';

const LEAST_KEEP_MS = 24 * 3_600_000;
const MAX_REMEMBERED = 10_000;

/**
 * Sees to it that markers exist and outlive the entries they guard. A marker that ends too early costs misses and never revives anything, so
 * what this process has kept alive may be remembered and forgotten freely.
 */
export class MarkerKeeper {
  readonly #keptUntil = new Map<string, number>();

  constructor(readonly store: SharedBackend<Entry>) {}

  /** Makes what is missing; one round trip. @param until the longest these markers may be needed, shared time */
  async ensure(
    groups: readonly ScopeGroups[],
    until: number,
    timeoutMs?: number,
  ): Promise<readonly ScopeReading[]> {
    const now = this.store.now();
    const keepMs = Math.max(LEAST_KEEP_MS, 2 * (until - now));
    const scopes = await this.store.ensure(groups, keepMs, timeoutMs);
    if (this.#keptUntil.size > MAX_REMEMBERED) this.#keptUntil.clear();
    for (const { scope, groups: names } of groups)
      for (const name of names) this.#keptUntil.set(`${scope}\n${name}`, now + keepMs);
    return scopes;
  }

  /** Are all of these known to be kept until then? */
  areKept(groups: readonly ScopeGroups[], until: number): boolean {
    return groups.every(({ scope, groups: names }) =>
      names.every((name) => (this.#keptUntil.get(`${scope}\n${name}`) ?? 0) >= until),
    );
  }
}
