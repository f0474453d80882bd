import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import { CodecError } from '../../ports/errors.js';
import type {
  SharedBackend,
  MemoryEntry,
  MemoryTier,
  Reading,
  ScopeGroups,
  ScopeReading,
} from '../../ports/shared-backend.js';
import type { Call } from '../options/call.js';
import { groupsOf, hasOtherTags, validityOf, unionTags } from '../groups/groups.js';
import { NearFences } from '../groups/local-invalidations.js';
import { expiresAt, judge, type Freshness } from '../groups/freshness.js';
import { canMix, Copies, decode, frozenOf, Shared, type Taker, takerOf } from './shared-value.js';

/** What was found for a call, judged. */
export interface Look {
  readonly entry: Entry | undefined;
  readonly verdict: Freshness;
  readonly tier: 'l1' | 'l2';
  readonly taker: Taker | undefined;
  /** As read with the entry; undefined when the near store alone was asked. */
  readonly scopes: readonly ScopeReading[] | undefined;
  /** The groups that `scopes` answers for: those of the call, and of the entry's further tags. */
  readonly groups: readonly ScopeGroups[];
  readonly lease: string | undefined;
  /** Where this process stood when the look began. */
  readonly began: number;
}

/**
 * The entries this cache can reach: the near store (L1, or the whole cache when it lives in memory) and the fenced store behind it.
 * Finds and judges; decides nothing about loading.
 */
export class Tiers {
  readonly fences = new NearFences();

  constructor(
    readonly store: SharedBackend<Entry>,
    readonly near: MemoryTier | undefined,
    /** The near store is the store: nothing lies behind it. */
    readonly local: boolean,
    readonly codecs: Map<string, Codec>,
    readonly clock: Clock,
    /** Told of a stored entry that cannot be used: it counts as a miss. */
    readonly corrupt: (storageKey: string, error: unknown) => void,
    /** False while invalidations wait in the journal: what is stored may be older than they are. */
    readonly settled: () => boolean,
  ) {}

  /** May entries of the backend be used and stored? */
  get usable(): boolean {
    return this.store.state === 'up' && this.settled();
  }

  /** Does this process learn of every invalidation by itself, so that callers may join a running flight without asking the backend? */
  get coherent(): boolean {
    return this.local || (this.near !== undefined && this.store.isCoherent());
  }

  /** The way of nearly every hit: one look-up in memory, or undefined when anything at all is to be considered. */
  nearHit(storageKey: string): MemoryEntry | undefined {
    const found = this.near?.getEvenIfExpired(storageKey);
    if (
      found === undefined ||
      !this.fences.isProven(found) ||
      this.store.now() >= found.entry.freshUntil
    )
      return undefined;
    return this.local || (this.store.isCoherent() && this.usable) ? found : undefined;
  }

  valueOf(found: MemoryEntry): unknown {
    return found.frozen === undefined
      ? decode(this.#codec(found.entry), found.entry.body)
      : found.frozen.value;
  }

  /**
   * @param behindNear past a near store that has nothing newer than what is known
   * @throws BackendError when the backend could not be asked
   */
  async look(call: Call, withLease: boolean, behindNear = false): Promise<Look> {
    const near = behindNear && !this.local ? undefined : this.lookNear(call);
    if (near !== undefined) return near;
    const began = this.fences.moment();
    return this.judge(call, await this.read(call, call.groups, withLease), began, withLease);
  }

  /** Rejects with a BackendError when the backend could not be asked. */
  read(call: Call, scopes: readonly ScopeGroups[], withLease: boolean): Promise<Reading<Entry>> {
    const left = Math.max(1, call.backendBy - this.clock.now());
    return this.store.read(
      { key: call.storageKey, scopes, withLease, text: call.policy.codec.text !== undefined },
      left,
    );
  }

  /** @returns a promise only when the entry has tags known only from its result: their markers are read once we know them */
  judge(
    call: Call,
    reading: Reading<Entry>,
    began: number,
    withLease: boolean,
  ): Look | Promise<Look> {
    const { stored } = reading;
    if (stored === undefined || !hasOtherTags(stored, call.tags))
      return this.#judge(call, call.tags, call.groups, reading, began);
    const tags = unionTags(call.tags, stored.tags);
    const groups = groupsOf(call.key, call.plain, tags);
    return this.read(call, groups, withLease).then((again) =>
      this.#judge(call, tags, groups, again, began),
    );
  }

  #judge(
    call: Call,
    tags: readonly string[],
    groups: readonly ScopeGroups[],
    reading: Reading<Entry>,
    began: number,
  ): Look {
    const { stored: entry, scopes, lease } = reading;
    const tier = this.local ? 'l1' : 'l2';
    const expired: Look = {
      entry,
      verdict: 'expired',
      tier,
      taker: undefined,
      scopes,
      groups,
      lease,
      began,
    };
    if (entry === undefined || hasOtherTags(entry, tags)) return expired;
    if (entry.key !== call.key.text) {
      this.corrupt(call.storageKey, new CodecError('The entry was stored for another key.'));
      return expired;
    }
    if (!this.fits(entry, call.policy.codec)) return expired;
    const verdict = judge(entry, this.store.now(), validityOf(entry.startTicks, groups, scopes));
    const taker = verdict === 'expired' ? undefined : this.#open(call, entry);
    if (taker === undefined) return expired;
    const kept =
      verdict === 'fresh' && this.fences.quietSince(began)
        ? this.keep(call.storageKey, entry, began)
        : undefined;
    return {
      entry,
      verdict,
      tier,
      taker: kept?.frozen === undefined ? taker : new Shared(kept.frozen.value),
      scopes,
      groups,
      lease,
      began,
    };
  }

  /** As if nothing were stored. */
  nothing(call: Call): Look {
    const began = this.fences.moment();
    return {
      entry: undefined,
      verdict: 'expired',
      tier: 'l2',
      taker: undefined,
      scopes: undefined,
      groups: call.groups,
      lease: undefined,
      began,
    };
  }

  /** Decodes at once: a body that cannot be decoded is a miss, not a failed call. */
  #open(call: Call, entry: Entry): Taker | undefined {
    try {
      const codec = this.#codec(entry);
      return takerOf(decode(codec, entry.body), codec, entry.body);
    } catch (error) {
      this.corrupt(call.storageKey, error);
      return undefined;
    }
  }

  /** Puts an entry into the near store, when there is one that can be trusted; its expiry is the entry's own. */
  keep(storageKey: string, entry: Entry, began: number): MemoryEntry | undefined {
    const { near, store } = this;
    if (near === undefined || !(this.local || (store.isCoherent() && this.usable)))
      return undefined;
    const frozen = this.shares(this.#codec(entry))
      ? frozenOf(this.#codec(entry), entry.body)
      : undefined;
    // What it is in the backend is not kept a second time.
    const kept = entry.packed === undefined ? entry : { ...entry, packed: undefined };
    const found: MemoryEntry = { entry: kept, frozen, stamp: this.fences.prove(began) };
    near.put(storageKey, found, expiresAt(entry) - store.now() + this.clock.now());
    return found;
  }

  /** In L1 only fresh entries count: a refreshed one may lie behind it. Without anything behind it, every entry counts. */
  lookNear(call: Call): Look | undefined {
    const { near, store } = this;
    if (near === undefined || !(this.local || (store.isCoherent() && this.usable)))
      return undefined;
    const found = near.get(call.storageKey);
    const began = this.fences.moment();
    if (found === undefined)
      return this.local ? nearLook(undefined, 'expired', undefined, call.groups, began) : undefined;
    const { entry } = found;
    if (entry.key !== call.key.text) return undefined;
    if (!this.fits(entry, call.policy.codec))
      return this.local ? nearLook(entry, 'expired', undefined, call.groups, began) : undefined;
    const groups = hasOtherTags(entry, call.tags)
      ? groupsOf(call.key, call.plain, unionTags(call.tags, entry.tags))
      : call.groups;
    const standing = this.fences.standing(found, groups);
    const verdict = judge(entry, store.now(), standing);
    if (standing === 'dead' || (!this.local && verdict !== 'fresh')) return undefined;
    const taker =
      found.frozen === undefined
        ? new Copies(this.#codec(entry), entry.body)
        : new Shared(found.frozen.value);
    return nearLook(entry, verdict, verdict === 'expired' ? undefined : taker, groups, began);
  }

  /** May one decoded object be handed to everyone? */
  shares(codec: Codec): boolean {
    return this.near?.isolation === 'freeze' || codec.immutable === true;
  }

  /** May a call that uses `codec` be answered by the entry? */
  fits(entry: Entry, codec: Codec): boolean {
    const stored = this.codecs.get(entry.codec);
    return stored === undefined ? codec.exclusive !== true : canMix(stored, codec);
  }

  #codec(entry: Entry): Codec {
    const codec = this.codecs.get(entry.codec);
    if (codec === undefined)
      throw new CodecError(
        `The entry was written by a codec ${JSON.stringify(entry.codec)} that this cache was not given.`,
      );
    return codec;
  }
}

/** What the near store alone has said. */
function nearLook(
  entry: Entry | undefined,
  verdict: Freshness,
  taker: Taker | undefined,
  groups: readonly ScopeGroups[],
  began: number,
): Look {
  return { entry, verdict, tier: 'l1', taker, scopes: undefined, groups, lease: undefined, began };
}
