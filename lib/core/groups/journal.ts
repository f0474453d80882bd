import type { GroupInvalidation } from '../../ports/shared-backend.js';
import { ALL, NAMESPACE } from './groups.js';

/** A change of the backend that must not be lost. Idempotent: repeating it costs misses. */
export type Change =
  | { readonly kind: 'keys'; readonly keys: readonly string[]; readonly settleMs: number }
  | {
      readonly kind: 'groups';
      readonly invalidation: GroupInvalidation;
      /** Present when nothing in the scope can be used after it: memory is given back. */
      readonly clears?: true;
    };

const MAX_CHANGES = 10_000;
const KEYS_A_CHANGE = 1_000;

/** A new object each time: `remove` of the one that is being sent must not take out what was added while it was. */
export function clearChange(scope = NAMESPACE): Change & { readonly kind: 'groups' } {
  return {
    kind: 'groups',
    invalidation: { scope, groups: [ALL], match: 'any', mode: 'hard', settleMs: 0 },
  };
}

/** The same in parts, none of which is large: a part that failed is repeated, not all of them. */
export function splitChange(change: Change): readonly Change[] {
  if (change.kind !== 'keys' || change.keys.length <= KEYS_A_CHANGE) return [change];
  const parts: Change[] = [];
  for (let i = 0; i < change.keys.length; i += KEYS_A_CHANGE)
    parts.push({ ...change, keys: change.keys.slice(i, i + KEYS_A_CHANGE) });
  return parts;
}

/** Changes in the order of their last mention, each once. When there are too many, the whole namespace stands for them. */
export class InvalidationJournal {
  readonly #changes = new Map<string, { readonly change: Change; readonly at: number }>();
  #overflowed = false;

  /** @returns false when the list overflowed and now names the whole namespace */
  add(change: Change, at: number): boolean {
    if (this.#overflowed || this.#changes.size >= MAX_CHANGES) {
      const first = !this.#overflowed;
      this.#changes.clear();
      this.#overflowed = true;
      this.#changes.set('', { change: clearChange(), at });
      return !first;
    }
    const id = JSON.stringify(change);
    this.#changes.delete(id);
    this.#changes.set(id, { change, at });
    return true;
  }

  /** Forgets what is older than `at`. */
  expire(at: number): void {
    for (const [id, { at: added }] of this.#changes) {
      if (added >= at) return;
      this.#changes.delete(id);
    }
    this.#overflowed = false;
  }

  get size(): number {
    return this.#changes.size;
  }

  get first(): Change | undefined {
    const first = this.#changes.values().next();
    return first.done === true ? undefined : first.value.change;
  }

  /** Takes this very change out; one that was added again meanwhile stays. */
  remove(change: Change): void {
    for (const [id, listed] of this.#changes) {
      if (listed.change !== change) continue;
      this.#changes.delete(id);
      if (this.#changes.size === 0) this.#overflowed = false;
      return;
    }
  }

  list(): Change[] {
    return [...this.#changes.values()].map(({ change }) => change);
  }
}
