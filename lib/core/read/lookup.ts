import type { Codec } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import { CodecError } from '../../ports/errors.js';
import type { ScopeGroups, ScopeReading } from '../../ports/groups.js';
import type { MemoryEntry } from '../../ports/memory-tier.js';
import type { NoticeSeq, Tick } from '../../ports/time.js';
import type { Freshness } from '../groups/freshness.js';
import { groupsOf, hasOtherTags, startTicksOf, unionTags } from '../groups/groups.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import {
  codecsCompatible,
  decode,
  DecodedCopies,
  handleFor,
  SharedValue,
  type ValueHandle,
} from './shared-value.js';

/** What was found for a call, judged. */
export interface Lookup {
  readonly entry: Entry | undefined;
  readonly freshness: Freshness;
  readonly tier: 'l1' | 'l2';
  /** Undefined when the entry is of no use. */
  readonly value: ValueHandle | undefined;
  /** The clocks and markers that were read with the entry, from a shared backend. */
  readonly scopes: readonly ScopeReading[] | undefined;
  /** The groups it was judged by: those of the call, and of the entry's further tags. */
  readonly groups: readonly ScopeGroups[];
  /** The token of the lease on the key, when it was asked for. */
  readonly lease: string | undefined;
  /** What this process knew of when the lookup began. */
  readonly readAt: NoticeSeq;
}

/** A lookup that found nothing usable. */
export function emptyLookup(
  call: Call,
  tier: 'l1' | 'l2',
  readAt: NoticeSeq,
  entry?: Entry,
): Lookup {
  return {
    entry,
    freshness: 'expired',
    tier,
    value: undefined,
    scopes: undefined,
    groups: call.groups,
    lease: undefined,
    readAt,
  };
}

/** Undefined when a clock does not exist yet. */
export function knownTicks({ scopes }: Lookup): readonly Tick[] | undefined {
  if (scopes === undefined || scopes.some(({ clock }) => clock === undefined)) return undefined;
  return startTicksOf(scopes);
}

/**
 * A look may arrive before the `ensure` of its tick, when the server did not know its script yet.
 * The clocks that were made then are those of the production: without them, what is stored would
 * count as older than its markers, and be of no use.
 */
export function withMissingClocks(lookup: Lookup, made: readonly ScopeReading[]): Lookup {
  const { scopes } = lookup;
  if (scopes?.some(({ clock }) => clock === undefined) !== true) return lookup;
  const known = scopes.map((scope, i) => ({ ...scope, clock: scope.clock ?? made[i]?.clock }));
  return { ...lookup, scopes: known };
}

/** The groups of a call and of an entry, which may have further tags. */
export function groupsWith(call: Call, entry: Entry): readonly ScopeGroups[] {
  if (!hasOtherTags(entry, call.tags)) return call.groups;
  return groupsOf(call.key, call.isPlainString, unionTags(call.tags, entry.tags));
}

/** Opens entries with the codec that each of them names. */
export class EntryReader {
  constructor(
    readonly codecs: Map<string, Codec>,
    readonly reporter: Reporter,
  ) {}

  /** May the entry answer a call that uses `codec`? */
  codecMatches(entry: Entry, codec: Codec): boolean {
    if (entry.codec === codec.id) return true;
    const stored = this.codecs.get(entry.codec);
    return stored === undefined ? codec.exclusive !== true : codecsCompatible(stored, codec);
  }

  /** Decodes at once: a body that cannot be decoded is a miss, not a failed call. */
  open(storageKey: string, entry: Entry): ValueHandle | undefined {
    try {
      const codec = this.codecOf(entry);
      return handleFor(decode(codec, entry.body), codec, entry.body);
    } catch (error) {
      this.reportCorrupt(storageKey, error);
      return undefined;
    }
  }

  openInMemory({ entry, frozen }: MemoryEntry): ValueHandle {
    if (frozen !== undefined) return new SharedValue(frozen.value);
    return new DecodedCopies(this.codecOf(entry), entry.body);
  }

  reportCorrupt(storageKey: string, error: unknown): void {
    this.reporter.report({ type: 'corrupt', key: storageKey, error });
  }

  /** @throws CodecError (`CACHE_CODEC`) when this cache was not given that codec */
  codecOf(entry: Entry): Codec {
    const codec = this.codecs.get(entry.codec);
    if (codec !== undefined) return codec;
    throw new CodecError(
      `The entry was written with the codec ${JSON.stringify(entry.codec)}, ` +
        'which this cache was not given.',
    );
  }
}
