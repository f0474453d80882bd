import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import type { FrozenValue, MemoryEntry, MemoryTier } from '../../ports/memory-tier.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import { capExpiry, expiresAt, judge } from '../groups/freshness.js';
import type { LocalInvalidations } from '../groups/local-invalidations.js';
import type { Call } from '../options/call.js';
import type { Flight } from './flight.js';
import { emptyLookup, type EntryReader, groupsWith, type Lookup } from './lookup.js';
import { tryFreeze } from './shared-value.js';

/**
 * Entries in the memory of this process, judged by the register of invalidations: the whole cache
 * when it lives in memory, or the L1 in front of a shared backend.
 */
export class LocalTier {
  constructor(
    readonly memory: MemoryTier,
    readonly invalidations: LocalInvalidations,
    readonly reader: EntryReader,
    /** The clock that entries are judged by: shared time. */
    readonly now: () => Millis,
    /** The clock that the memory tier expires by. */
    readonly localNow: () => Millis,
  ) {}

  /** The path of nearly every hit: one lookup, or undefined when anything has to be considered. */
  freshEntry(storageKey: string): MemoryEntry | undefined {
    const found = this.memory.getEvenIfExpired(storageKey);
    if (found === undefined || !this.invalidations.isCurrent(found)) return undefined;
    return this.now() < found.entry.freshUntil ? found : undefined;
  }

  lookup(call: Call): Lookup {
    const { invalidations, reader } = this;
    const readAt = invalidations.position;
    const found = this.memory.get(call.storageKey);
    if (found?.entry.key !== call.key.text) return emptyLookup(call, 'l1', readAt);
    const { entry } = found;
    if (!reader.codecMatches(entry, call.policy.codec)) {
      return emptyLookup(call, 'l1', readAt, entry);
    }
    const groups = groupsWith(call, entry);
    const freshness = judge(entry, this.now(), invalidations.judge(found, groups));
    const value = freshness === 'expired' ? undefined : reader.openInMemory(found);
    return { ...emptyLookup(call, 'l1', readAt, entry), freshness, value, groups };
  }

  /**
   * @param readAt the position before the production, or the read, of the entry began
   * @returns the frozen value that is kept, when there is one
   */
  store(
    storageKey: string,
    entry: Entry,
    readAt: NoticeSeq,
    frozen = this.freeze(this.reader.codecOf(entry), entry.body),
  ): FrozenValue | undefined {
    const expires = expiresAt(entry) - this.now() + this.localNow();
    const kept = { entry, frozen, stamp: this.invalidations.stamp(readAt) };
    return this.memory.put(storageKey, kept, expires) ? frozen : undefined;
  }

  /** The end of a settle window that a production falls into that begins now; 0 for none. */
  openSettleWindow({ storageKey, call }: Flight): Millis {
    const until = this.invalidations.settleUntil(storageKey, call.groups);
    return until > this.now() ? until : 0;
  }

  /**
   * A production that turned out to have a tag with an open settle window may have read a lagging
   * replica: its entry is not kept beyond that window.
   * @returns undefined when nothing is left of the entry
   */
  capBySettleWindow(flight: Flight, entry: Entry): Entry | undefined {
    if (entry.tags.length === flight.call.tags.length) return entry;
    const groups = groupsWith(flight.call, entry);
    const until = this.invalidations.settleUntil(flight.storageKey, groups);
    if (until <= flight.startedAt) return entry;
    return capped(entry, until, this.now());
  }

  /** The decoded value as one object for every caller, when it can be shared. */
  freeze(codec: Codec, body: Payload): FrozenValue | undefined {
    const canShare = this.memory.isolation === 'freeze' || codec.immutable === true;
    return canShare ? tryFreeze(codec, body) : undefined;
  }
}

function capped(entry: Entry, until: Millis, now: Millis): Entry | undefined {
  const short = capExpiry(entry, until);
  return expiresAt(short) > now ? short : undefined;
}
