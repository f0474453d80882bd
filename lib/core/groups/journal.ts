import type { GroupInvalidation } from '../../ports/groups.js';
import type { Millis } from '../../ports/time.js';
import { ALL, NAMESPACE } from './groups.js';

/** A change that must not be lost. Idempotent: repeating it costs misses, nothing else. */
export type Change =
  | { readonly kind: 'keys'; readonly keys: readonly string[]; readonly settleMs: Millis }
  | {
      readonly kind: 'groups';
      readonly invalidation: GroupInvalidation;
      /** Present when nothing of the scope is usable afterwards: its memory is given back. */
      readonly clears?: true;
    };

const MAX_CHANGES = 10_000;
const MAX_KEYS_PER_CHANGE = 1_000;

/** Everything in a scope. A new object each time, because the journal removes by identity. */
export function clearChange(scope = NAMESPACE): Change & { readonly kind: 'groups' } {
  return {
    kind: 'groups',
    invalidation: { scope, groups: [ALL], match: 'any', mode: 'hard', settleMs: 0 },
  };
}

/** Splits a change of many keys, so that only the part that failed has to be repeated. */
export function splitChange(change: Change): readonly Change[] {
  if (change.kind !== 'keys' || change.keys.length <= MAX_KEYS_PER_CHANGE) return [change];
  const parts: Change[] = [];
  for (let i = 0; i < change.keys.length; i += MAX_KEYS_PER_CHANGE) {
    parts.push({ ...change, keys: change.keys.slice(i, i + MAX_KEYS_PER_CHANGE) });
  }
  return parts;
}

/**
 * Changes in the order in which each was last added, each once. When there are too many, one
 * invalidation of the whole namespace replaces them.
 */
export class InvalidationJournal {
  readonly #changes = new Map<string, { readonly change: Change; readonly addedAt: Millis }>();
  #overflowed = false;

  /** @returns false when the journal has just overflowed */
  add(change: Change, addedAt: Millis): boolean {
    if (this.#overflowed || this.#changes.size >= MAX_CHANGES) {
      const first = !this.#overflowed;
      this.#changes.clear();
      this.#overflowed = true;
      this.#changes.set('', { change: clearChange(), addedAt });
      return !first;
    }
    const id = JSON.stringify(change);
    this.#changes.delete(id);
    this.#changes.set(id, { change, addedAt });
    return true;
  }

  /** Forgets changes that were added before `addedAt`. */
  expire(addedAt: Millis): void {
    for (const [id, listed] of this.#changes) {
      if (listed.addedAt >= addedAt) return;
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

  /** Removes this very object; an equal change that was added meanwhile stays. */
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
