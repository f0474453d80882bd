import type { MemoryEntry, ScopeGroups } from '../../ports/shared-backend.js';
import type { GroupInvalidation } from '../../ports/shared-backend.js';
import type { Validity } from './freshness.js';

const MAX_MOVES = 10_000;
const MAX_COMBINATIONS = 64;

interface Move {
  hard: number;
  soft: number;
}

interface Combination extends Move {
  readonly scope: string;
  readonly groups: readonly string[];
}

/** When an entry was learned, and up to which move it was last found good. */
class Proof {
  constructor(
    readonly owner: NearFences,
    readonly learned: number,
    public checked: number,
  ) {}
}

/**
 * What this process knows of invalidations, for entries it answers from its own memory.
 *
 * Invariant: moments are counted in this process, one for each notice, applied synchronously. An entry whose production or backend read *began*
 * at moment m is good as long as no move of one of its groups has a moment greater than m. So no clocks are compared, and an answer that was
 * under way when a notice came cannot be mistaken for one that began after it.
 */
export class NearFences {
  #moment = 1;
  /** Entries learned before this are unproven: a gap, or a forgotten move. */
  #floor = 0;
  /** Counts moves of groups; equal to `Proof.checked` means there is nothing new to judge. */
  #moves = 0;
  readonly #groups = new Map<string, Move>();
  #combinations: Combination[] = [];

  /** To be taken before a read or a production begins. */
  moment(): number {
    return this.#moment;
  }

  /** A key was deleted or replaced: what began before must not be kept. */
  keysMoved(): void {
    this.#moment++;
  }

  groupsMoved(invalidation: GroupInvalidation): void {
    const now = ++this.#moment;
    this.#moves++;
    const hard = invalidation.mode === 'hard' ? now : 0;
    if (invalidation.match === 'all' && invalidation.groups.length > 1) {
      if (this.#combinations.length >= MAX_COMBINATIONS) this.forget();
      this.#combinations.push({
        scope: invalidation.scope,
        groups: invalidation.groups,
        hard,
        soft: now,
      });
      return;
    }
    for (const group of invalidation.groups) {
      const id = idOf(invalidation.scope, group);
      const move = this.#groups.get(id);
      if (move !== undefined) {
        move.soft = now;
        if (hard !== 0) move.hard = hard;
        continue;
      }
      if (this.#groups.size >= MAX_MOVES) this.forget();
      this.#groups.set(id, { hard, soft: now });
    }
  }

  /** Nothing learned before now is known to hold. */
  forget(): void {
    this.#floor = ++this.#moment;
    this.#moves++;
    this.#groups.clear();
    this.#combinations = [];
  }

  /** Was nothing at all moved since `began`? Then an answer to what began then may be kept without judging. */
  quietSince(began: number): boolean {
    return this.#moment === began;
  }

  /** The proof of an entry that was learned by something that began at `began`. */
  prove(began: number): object {
    return new Proof(this, began, began === this.#moment ? this.#moves : -1);
  }

  /** True without looking further when nothing moved since the entry was last judged: the way of nearly every hit. */
  isProven(entry: MemoryEntry): boolean {
    const proof = entry.stamp;
    return proof instanceof Proof && proof.checked === this.#moves && proof.owner === this;
  }

  /** Judges an entry by the moves since it was learned; `dead` when it was not learned by this cache. */
  standing(entry: MemoryEntry, request: readonly ScopeGroups[]): Validity {
    const proof = entry.stamp;
    if (!(proof instanceof Proof) || proof.owner !== this || proof.learned < this.#floor)
      return 'dead';
    let standing: Validity = 'current';
    for (const { scope, groups } of request) {
      for (const group of groups) {
        const move = this.#groups.get(idOf(scope, group));
        if (move === undefined) continue;
        if (move.hard > proof.learned) return 'dead';
        if (move.soft > proof.learned) standing = 'soft';
      }
    }
    for (const combination of this.#combinations) {
      if (combination.soft <= proof.learned) continue;
      const groups = request.find((scope) => scope.scope === combination.scope)?.groups ?? [];
      if (!combination.groups.every((group) => groups.includes(group))) continue;
      if (combination.hard > proof.learned) return 'dead';
      standing = 'soft';
    }
    if (standing === 'current') proof.checked = this.#moves;
    return standing;
  }
}

function idOf(scope: string, group: string): string {
  return `${scope}\n${group}`;
}
