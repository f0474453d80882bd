import type { Clock } from '../../ports/clock.js';
import type { Payload } from '../../ports/codec.js';
import type { Entry, Envelope } from '../../ports/entry.js';
import { CodecError } from '../../ports/errors.js';
import type { ScopeGroups } from '../../ports/groups.js';
import type { Reading, SharedBackend } from '../../ports/shared-backend.js';
import type { NoticeSeq } from '../../ports/time.js';
import { judge } from '../groups/freshness.js';
import { includesGroups, validityOf } from '../groups/groups.js';
import type { LocalInvalidations } from '../groups/local-invalidations.js';
import type { Call } from '../options/call.js';
import type { LocalTier } from './local-tier.js';
import { type EntryReader, groupsWith, type Lookup } from './lookup.js';
import { SharedValue } from './shared-value.js';

export interface BackendLookupParts {
  readonly backend: SharedBackend;
  readonly l1: LocalTier | undefined;
  readonly invalidations: LocalInvalidations;
  readonly reader: EntryReader;
  readonly envelope: Envelope;
  readonly clock: Clock;
  /** May the backend be used? */
  readonly isUsable: () => boolean;
}

/** Lookups in a shared backend: the entry, and the markers that it is judged by. */
export class BackendLookups {
  constructor(private readonly parts: BackendLookupParts) {}

  /** An L1 counts only while it is proven that it hears of every invalidation. */
  get isL1Usable(): boolean {
    return this.parts.backend.isCoherent() && this.parts.isUsable();
  }

  /** @param groups those of the call, and of further tags that the entry is known to have */
  lookup(call: Call, withLease: boolean, groups: readonly ScopeGroups[]): Promise<Lookup> {
    const { position } = this.parts.invalidations;
    return this.#read(call, withLease, groups).then((reading) =>
      this.#judgeReading(call, reading, groups, position, withLease),
    );
  }

  #read(call: Call, withLease: boolean, scopes: readonly ScopeGroups[]): Promise<Reading> {
    const { backend, clock } = this.parts;
    const text = call.policy.codec.text !== undefined;
    const left = Math.max(1, call.backendBy - clock.now());
    return backend.read({ key: call.storageKey, scopes, withLease, text }, left);
  }

  /** Reads again when the entry has tags that only its result revealed: now they are known. */
  #judgeReading(
    call: Call,
    reading: Reading,
    groups: readonly ScopeGroups[],
    readAt: NoticeSeq,
    withLease: boolean,
  ): Lookup | Promise<Lookup> {
    const entry = this.#unpack(call, reading.stored);
    const own = entry === undefined ? groups : groupsWith(call, entry);
    if (includesGroups(groups, own)) return this.#judge(call, entry, reading, groups, readAt);
    return this.#read(call, withLease, own).then((again) =>
      this.#judgeAgain(call, again, own, readAt),
    );
  }

  #judgeAgain(
    call: Call,
    reading: Reading,
    groups: readonly ScopeGroups[],
    readAt: NoticeSeq,
  ): Lookup {
    const entry = this.#unpack(call, reading.stored);
    const known = entry !== undefined && includesGroups(groups, groupsWith(call, entry));
    return this.#judge(call, known ? entry : undefined, reading, groups, readAt);
  }

  #judge(
    call: Call,
    entry: Entry | undefined,
    { scopes, lease }: Reading,
    groups: readonly ScopeGroups[],
    readAt: NoticeSeq,
  ): Lookup {
    const { reader } = this.parts;
    const freshness =
      entry === undefined || !reader.codecMatches(entry, call.policy.codec)
        ? 'expired'
        : judge(entry, this.parts.backend.now(), validityOf(entry.startTicks, groups, scopes));
    const opened =
      entry === undefined || freshness === 'expired'
        ? undefined
        : this.#open(call, entry, freshness === 'fresh', readAt);
    return {
      entry,
      freshness: opened === undefined ? 'expired' : freshness,
      tier: 'l2',
      value: opened,
      scopes,
      groups,
      lease,
      readAt,
    };
  }

  /** A fresh entry goes to L1, unless something was invalidated while it was read. */
  #open(call: Call, entry: Entry, isFresh: boolean, readAt: NoticeSeq): Lookup['value'] {
    const { reader, l1 } = this.parts;
    const value = reader.open(call.storageKey, entry);
    if (value === undefined || l1 === undefined || !isFresh) return value;
    if (!this.isL1Usable || !this.parts.invalidations.unchangedSince(readAt)) return value;
    const frozen = l1.store(call.storageKey, entry, readAt);
    return frozen === undefined ? value : new SharedValue(frozen.value);
  }

  #unpack(call: Call, payload: Payload | undefined): Entry | undefined {
    if (payload === undefined) return undefined;
    const { envelope, reader } = this.parts;
    try {
      const entry = envelope.unpack(payload);
      if (entry.key === call.key.text) return entry;
      throw new CodecError('The entry was stored for another key.');
    } catch (error) {
      reader.reportCorrupt(call.storageKey, error);
      return undefined;
    }
  }
}
