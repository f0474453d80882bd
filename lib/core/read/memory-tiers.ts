import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import type { FrozenValue, MemoryEntry } from '../../ports/memory-tier.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import type { Background } from '../observe/background.js';
import type { Change } from '../groups/journal.js';
import type { Call } from '../options/call.js';
import type { Flight } from './flight.js';
import type { LocalTier } from './local-tier.js';
import type { Lookup } from './lookup.js';
import type { StoreResult, Tiers } from './tiers.js';

/**
 * A cache that lives in memory. There are no leases and no markers: every invalidation in the
 * process detaches the running flights before anything else can happen, so `flight.storable` alone
 * is the fence.
 */
export class MemoryTiers implements Tiers {
  readonly isUsable = true;
  readonly isCoherent = true;
  readonly #closing = new AbortController();

  constructor(
    private readonly local: LocalTier,
    private readonly background: Background,
  ) {}

  now(): Millis {
    return this.local.now();
  }

  get position(): NoticeSeq {
    return this.local.invalidations.position;
  }

  freshEntry(storageKey: string): MemoryEntry | undefined {
    return this.local.freshEntry(storageKey);
  }

  lookup(call: Call): Lookup {
    return this.local.lookup(call);
  }

  lease(flight: Flight): undefined {
    flight.readAt = this.position;
    flight.settleUntil = this.local.openSettleWindow(flight);
  }

  mayStillStore(flight: Flight): boolean {
    return flight.storable;
  }

  isUnchangedSince(flight: Flight): boolean {
    return flight.storable;
  }

  store(flight: Flight, entry: Entry, frozen: FrozenValue | undefined): StoreResult {
    if (!flight.storable) return 'refused';
    const settled = this.local.capBySettleWindow(flight, entry);
    if (settled === undefined) return 'expired';
    this.local.store(flight.storageKey, settled, flight.readAt, frozen);
    return 'stored';
  }

  release(): void {
    // Nothing was taken.
  }

  leasePut(flight: Flight): undefined {
    this.lease(flight);
  }

  storePut(flight: Flight, entry: Entry, onStored: () => void): boolean {
    if (!flight.storable) return false;
    onStored();
    // What was invalidated since the method began makes the entry old.
    this.local.store(flight.storageKey, entry, flight.readAt);
    return true;
  }

  set(call: Call, entry: Entry, onStored: () => void): undefined {
    onStored();
    this.local.store(call.storageKey, entry, this.position);
  }

  send(change: Change): undefined {
    const { memory } = this.local;
    if (change.kind === 'keys') for (const key of change.keys) memory.remove(key);
    else if (change.clears === true) {
      const { scope } = change.invalidation;
      this.background.run(() => memory.reclaim(scope, this.#closing.signal));
    }
  }

  freeze(codec: Codec, body: Payload): FrozenValue | undefined {
    return this.local.freeze(codec, body);
  }

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }
}
