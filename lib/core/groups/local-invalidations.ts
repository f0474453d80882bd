import type { GroupInvalidation, ScopeGroups } from '../../ports/groups.js';
import type { MemoryEntry } from '../../ports/memory-tier.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import { BoundedMap } from './bounded-map.js';
import type { Validity } from './freshness.js';

const MAX_MARKS = 100_000;
const MAX_COMBINATIONS = 64;
const MAX_SETTLING_KEYS = 100_000;
const NOT_JUDGED = -1;

/** How far a group, or a combination of groups, has been invalidated. */
interface Mark {
  readonly hard: NoticeSeq;
  readonly soft: NoticeSeq;
  /** The end of the settle window, by the clock of the register; 0 for none. */
  readonly settleUntil: Millis;
}

interface CombinationMark extends Mark {
  readonly scope: string;
  readonly groups: readonly string[];
}

/**
 * The state of the register when an entry was read, and when it was last judged. Immutable, so that
 * entries that were stored between two invalidations share one.
 */
class Stamp {
  constructor(
    readonly owner: LocalInvalidations,
    readonly readAt: NoticeSeq,
    readonly judgedAt: number,
  ) {}
}

/**
 * The invalidations this process knows of: its own, and those it was notified of. It judges entries
 * in memory, in L1 and in backends that have no markers of their own.
 *
 * Invariant: an entry whose production or backend read *began* at position p is good as long as no
 * mark of its groups is above p. Positions are counted here, synchronously, so an answer that was
 * under way when an invalidation arrived is never mistaken for one that began after it.
 *
 * The marks are bounded. Dropping one raises the floor to it: older entries count as invalidated,
 * which costs misses and never revives anything.
 */
export class LocalInvalidations {
  /** Entries read before this are not known to be good. */
  #floor: NoticeSeq = 0;
  #position: NoticeSeq;
  /** Counts invalidations of groups; a stamp that carries the same count needs no judging. */
  #groupChanges = 0;
  /** Was there ever a settle window? Few caches have one. */
  #hasSettled = false;
  #marks = new BoundedMap<Mark>(MAX_MARKS);
  #combinations: CombinationMark[] = [];
  #lastStamp: Stamp | undefined;
  readonly #settlingKeys = new BoundedMap<Millis>(MAX_SETTLING_KEYS);

  constructor(readonly now: () => Millis) {
    this.#position = this.#micros();
  }

  /** To be taken before a read or a production begins. */
  get position(): NoticeSeq {
    return this.#position;
  }

  /** Keys were deleted or replaced: what began before must not be kept. */
  recordKeys(keys: readonly string[], settleMs: Millis): void {
    this.#advance();
    if (settleMs <= 0) return;
    this.#hasSettled = true;
    const until = this.now() + settleMs;
    for (const key of keys) {
      this.#settlingKeys.set(key, Math.max(until, this.#settlingKeys.get(key) ?? 0));
    }
  }

  recordGroups({ scope, groups, match, mode, settleMs }: GroupInvalidation): void {
    const at = this.#advance();
    this.#groupChanges++;
    if (settleMs > 0) this.#hasSettled = true;
    const settleUntil = settleMs > 0 ? this.now() + settleMs : 0;
    if (match === 'all' && groups.length > 1) {
      this.#recordCombination(scope, groups, marked(at, mode, settleUntil));
      return;
    }
    for (const group of groups) {
      const id = idOf(scope, group);
      this.#setMark(id, marked(at, mode, settleUntil, this.#marks.get(id)));
    }
  }

  /** Nothing read before now is known to be good. */
  invalidateAll(): void {
    this.#floor = this.#advance();
    this.#groupChanges++;
    this.#marks = new BoundedMap<Mark>(MAX_MARKS);
    this.#combinations = [];
  }

  /** Nothing was invalidated since `readAt`, so what began then may be kept without judging. */
  unchangedSince(readAt: NoticeSeq): boolean {
    return this.#position === readAt;
  }

  /** @param readAt the position before the read or production of the entry began */
  stamp(readAt: NoticeSeq): object {
    return this.#stamp(readAt, readAt === this.#position ? this.#groupChanges : NOT_JUDGED);
  }

  /** True when no group was invalidated since the entry was last judged: nearly every hit. */
  isCurrent({ stamp }: MemoryEntry): boolean {
    return stamp instanceof Stamp && stamp.judgedAt === this.#groupChanges && stamp.owner === this;
  }

  /** Judges an entry in memory. One that this register did not stamp is invalidated. */
  judge(entry: MemoryEntry, request: readonly ScopeGroups[]): Validity {
    const { stamp } = entry;
    if (!(stamp instanceof Stamp) || stamp.owner !== this) return 'invalidated';
    const validity = this.validity(stamp.readAt, request);
    if (validity === 'valid') entry.stamp = this.#stamp(stamp.readAt, this.#groupChanges);
    return validity;
  }

  /** Judges an entry of these groups that was read, or whose production began, at `readAt`. */
  validity(readAt: NoticeSeq, request: readonly ScopeGroups[]): Validity {
    if (readAt < this.#floor || this.#isAhead(readAt)) return 'invalidated';
    let validity: Validity = 'valid';
    for (const { scope, groups } of request) {
      for (const group of groups) {
        const mark = this.#marks.get(idOf(scope, group));
        if (mark === undefined) continue;
        if (mark.hard > readAt) return 'invalidated';
        if (mark.soft > readAt) validity = 'soft';
      }
    }
    for (const mark of this.#combinations) {
      if (mark.soft <= readAt || !isIn(mark, request)) continue;
      if (mark.hard > readAt) return 'invalidated';
      validity = 'soft';
    }
    return validity;
  }

  /** The end of the longest settle window of the key or its groups, over or not; 0 for none. */
  settleUntil(key: string, request: readonly ScopeGroups[]): Millis {
    if (!this.#hasSettled) return 0;
    let until = this.#settlingKeys.get(key) ?? 0;
    for (const { scope, groups } of request) {
      for (const group of groups) {
        until = Math.max(until, this.#marks.get(idOf(scope, group))?.settleUntil ?? 0);
      }
    }
    for (const mark of this.#combinations) {
      if (mark.settleUntil > until && isIn(mark, request)) until = mark.settleUntil;
    }
    return until;
  }

  #stamp(readAt: NoticeSeq, judgedAt: number): Stamp {
    const last = this.#lastStamp;
    if (last?.readAt === readAt && last.judgedAt === judgedAt) return last;
    return (this.#lastStamp = new Stamp(this, readAt, judgedAt));
  }

  #setMark(id: string, mark: Mark): void {
    const dropped = this.#marks.set(id, mark);
    if (dropped !== undefined) this.#floor = Math.max(this.#floor, dropped.soft);
  }

  #recordCombination(scope: string, groups: readonly string[], mark: Mark): void {
    const same = this.#combinations.findIndex(
      (other) =>
        other.scope === scope &&
        other.groups.length === groups.length &&
        other.groups.every((group, i) => group === groups[i]),
    );
    const [known] = same < 0 ? [] : this.#combinations.splice(same, 1);
    this.#combinations.push({ scope, groups, ...merged(mark, known) });
    if (this.#combinations.length <= MAX_COMBINATIONS) return;
    // Too many to keep apart: all entries of the first group count, which takes away more.
    const oldest = this.#combinations.shift();
    if (oldest === undefined) return;
    const { hard, soft, settleUntil } = oldest;
    const id = idOf(oldest.scope, oldest.groups[0] ?? '');
    this.#setMark(id, merged({ hard, soft, settleUntil }, this.#marks.get(id)));
  }

  #advance(): NoticeSeq {
    this.#position = Math.max(this.#micros(), this.#position + 1);
    return this.#position;
  }

  /** Stored by a process whose clock is ahead: no later invalidation here would be above it. */
  #isAhead(readAt: NoticeSeq): boolean {
    return readAt > this.#position && readAt > this.#micros();
  }

  #micros(): NoticeSeq {
    return Math.floor(this.now() * 1_000);
  }
}

function marked(at: NoticeSeq, mode: 'soft' | 'hard', settleUntil: Millis, known?: Mark): Mark {
  return merged({ hard: mode === 'hard' ? at : 0, soft: at, settleUntil }, known);
}

function merged(mark: Mark, known: Mark | undefined): Mark {
  if (known === undefined) return mark;
  return {
    hard: Math.max(mark.hard, known.hard),
    soft: Math.max(mark.soft, known.soft),
    settleUntil: Math.max(mark.settleUntil, known.settleUntil),
  };
}

function isIn(mark: CombinationMark, request: readonly ScopeGroups[]): boolean {
  const groups = request.find(({ scope }) => scope === mark.scope)?.groups ?? [];
  return mark.groups.every((group) => groups.includes(group));
}

function idOf(scope: string, group: string): string {
  return `${scope}\n${group}`;
}
