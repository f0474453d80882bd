import type { Clock } from '../../ports/clock.js';
import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry, Envelope } from '../../ports/entry.js';
import type { ScopeGroups } from '../../ports/groups.js';
import type { FrozenValue, MemoryEntry } from '../../ports/memory-tier.js';
import type { FillReply, FillRequest, SharedBackend } from '../../ports/shared-backend.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import { capExpiry, expiresAt } from '../groups/freshness.js';
import { includesGroups, startTicksOf, validityOf } from '../groups/groups.js';
import type { Change } from '../groups/journal.js';
import type { LocalInvalidations } from '../groups/local-invalidations.js';
import type { Background } from '../observe/background.js';
import type { Call } from '../options/call.js';
import type { LeaseAcquirer } from './acquire-lease.js';
import type { BackendLookups } from './backend-lookups.js';
import type { Flight } from './flight.js';
import type { Leases } from './lease.js';
import type { LocalTier } from './local-tier.js';
import { emptyLookup, groupsWith, type Lookup } from './lookup.js';
import type { MarkerLifetimes } from './marker-lifetimes.js';
import { tryFreeze } from './shared-value.js';
import type { FlightPermit, StoreResult, Tiers } from './tiers.js';

export interface SharedTiersParts {
  readonly backend: SharedBackend;
  readonly l1: LocalTier | undefined;
  readonly invalidations: LocalInvalidations;
  readonly lookups: BackendLookups;
  readonly envelope: Envelope;
  readonly leases: Leases;
  readonly acquirer: LeaseAcquirer;
  readonly markers: MarkerLifetimes;
  readonly clock: Clock;
  readonly background: Background;
  /** False while invalidations wait in the journal: what is stored may be older than they are. */
  readonly isDrained: () => boolean;
}

/** A shared backend with leases and markers, with or without an L1 in front of it. */
export class SharedTiers implements Tiers {
  readonly #closing = new AbortController();

  constructor(private readonly parts: SharedTiersParts) {}

  now(): Millis {
    return this.parts.backend.now();
  }

  get position(): NoticeSeq {
    return this.parts.invalidations.position;
  }

  get isUsable(): boolean {
    return this.parts.backend.state === 'up' && this.parts.isDrained();
  }

  get isCoherent(): boolean {
    return this.parts.l1 !== undefined && this.parts.backend.isCoherent();
  }

  freshEntry(storageKey: string): MemoryEntry | undefined {
    const found = this.parts.l1?.freshEntry(storageKey);
    return found !== undefined && this.parts.lookups.isL1Usable ? found : undefined;
  }

  lookup(call: Call, withLease: boolean): Lookup | Promise<Lookup> {
    if (!this.isUsable) return emptyLookup(call, 'l2', this.position);
    if (this.parts.l1 !== undefined && this.parts.lookups.isL1Usable) {
      const lookup = this.parts.l1.lookup(call);
      // Only what is fresh counts in L1: the backend may have a refreshed entry.
      if (lookup.freshness === 'fresh') return lookup;
    }
    return this.parts.lookups.lookup(call, withLease, call.groups);
  }

  lease(flight: Flight, first: Lookup): FlightPermit | Promise<FlightPermit> {
    flight.readAt = this.position;
    const { acquirer, lookups } = this.parts;
    if (this.isUsable && acquirer.hasTime(flight, first)) {
      return acquirer.acquire(flight, first, (groups) =>
        lookups.lookup(flight.call, false, groups),
      );
    }
    // Without the backend there is no fence, so nothing is stored; the callers still get the value.
    flight.storable = false;
    return undefined;
  }

  mayStillStore({ lease, startTicks }: Flight, lookup: Lookup): boolean {
    const { scopes, groups } = lookup;
    if (lease === undefined || lookup.lease !== lease || scopes === undefined) return false;
    return validityOf(startTicks, groups, scopes) !== 'invalidated';
  }

  isUnchangedSince({ lease, startTicks }: Flight, { lease: held, scopes }: Lookup): boolean {
    if (lease === undefined || held !== lease || scopes === undefined) return false;
    return scopes.every(({ clock }, i) => clock !== undefined && clock === startTicks[i]);
  }

  store(flight: Flight, entry: Entry, frozen?: FrozenValue): StoreResult | Promise<StoreResult> {
    const { markers, clock } = this.parts;
    const { lease } = flight;
    if (!flight.storable || lease === undefined) return 'refused';
    const now = this.now();
    const until = expiresAt(entry);
    const groups = groupsWith(flight.call, entry);
    const hasUnknownGroups = !includesGroups(flight.settledGroups, groups);
    const keepMs = markers.keepMs(groups, until, now);
    const ensure =
      hasUnknownGroups || !markers.areAlive(groups, until) ? { scopes: groups, keepMs } : undefined;
    const startedAt = flight.startedAt + (now - clock.now());
    const settlingAfter = hasUnknownGroups ? startedAt : undefined;
    return this.#fill(flight, lease, entry, ensure, settlingAfter).then((reply) => {
      if (!reply.stored) return this.#fillCapped(flight, lease, entry, ensure, reply.settleUntil);
      if (ensure !== undefined) markers.remember(groups, now, keepMs);
      return this.#onFilled(flight, entry, frozen);
    });
  }

  release(flight: Flight): void {
    this.parts.leases.release(flight);
  }

  async leasePut(flight: Flight): Promise<void> {
    flight.readAt = this.position;
    if (this.isUsable) await this.parts.acquirer.acquirePut(flight);
  }

  async storePut(flight: Flight, entry: Entry, onStored: () => void): Promise<boolean> {
    const { lease, call } = flight;
    if (lease === undefined || !this.isUsable) return false;
    const groups = groupsWith(call, entry);
    if (!this.parts.markers.areAlive(groups, expiresAt(entry))) await this.#ensure(groups, entry);
    flight.lease = undefined;
    return this.#set(call, entry, { readAt: flight.readAt, onStored, token: lease });
  }

  async set(call: Call, entry: Entry, onStored: () => void): Promise<void> {
    // Before the clocks are read: a group that is invalidated later makes the entry old.
    const readAt = this.position;
    const startTicks = startTicksOf(await this.#ensure(groupsWith(call, entry), entry));
    await this.#set(call, { ...entry, startTicks }, { readAt, onStored });
  }

  async send(change: Change): Promise<void> {
    const { backend, background } = this.parts;
    if (change.kind === 'keys') {
      await backend.delete(change.keys, change.settleMs);
      return;
    }
    await backend.invalidate(change.invalidation);
    if (change.clears !== true) return;
    const { scope } = change.invalidation;
    background.run(() => backend.reclaim(scope, this.#closing.signal));
  }

  freeze(codec: Codec, body: Payload): FrozenValue | undefined {
    if (this.parts.l1 !== undefined) return this.parts.l1.freeze(codec, body);
    return codec.immutable === true ? tryFreeze(codec, body) : undefined;
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.parts.backend.close();
  }

  /** The backend has stored it, but this process may know of a later invalidation already. */
  #keepInL1(flight: Flight, entry: Entry, frozen: FrozenValue | undefined): void {
    if (!flight.storable || !this.parts.lookups.isL1Usable) return;
    this.parts.l1?.store(flight.storageKey, entry, flight.readAt, frozen);
  }

  #fill(
    { storageKey }: Flight,
    token: string,
    entry: Entry,
    ensure: FillRequest['ensure'],
    refuseIfSettlingAfter: Millis | undefined,
  ): Promise<FillReply> {
    const { backend, envelope } = this.parts;
    const payload = envelope.pack(entry);
    const ttlMs = this.#ttlOf(entry);
    return backend.fill({ key: storageKey, token, payload, ttlMs, ensure, refuseIfSettlingAfter });
  }

  /** The load may have read a replica that lagged behind a change of a tag of its result. */
  async #fillCapped(
    flight: Flight,
    token: string,
    entry: Entry,
    ensure: FillRequest['ensure'],
    settleUntil: Millis,
  ): Promise<StoreResult> {
    if (settleUntil === 0) return 'refused';
    const capped = capExpiry(entry, settleUntil);
    if (expiresAt(capped) <= this.now()) return 'expired';
    const reply = await this.#fill(flight, token, capped, ensure, undefined);
    return reply.stored ? this.#onFilled(flight, capped, undefined) : 'refused';
  }

  #onFilled(flight: Flight, entry: Entry, frozen: FrozenValue | undefined): StoreResult {
    flight.lease = undefined;
    this.#keepInL1(flight, entry, frozen);
    return 'stored';
  }

  async #set(call: Call, entry: Entry, { readAt, onStored, token }: SetRequest): Promise<boolean> {
    const { backend, envelope, invalidations, l1 } = this.parts;
    const { storageKey } = call;
    const setting = backend.set(storageKey, envelope.pack(entry), this.#ttlOf(entry), token);
    const { position } = this;
    if (!(await setting)) return false;
    // A notice that came meanwhile may be of a later change: then L1 learns the entry by a read.
    const isQuiet = invalidations.unchangedSince(position);
    onStored();
    if (isQuiet && this.parts.lookups.isL1Usable) l1?.store(storageKey, entry, readAt);
    return true;
  }

  async #ensure(groups: readonly ScopeGroups[], entry: Entry): ReturnType<SharedBackend['ensure']> {
    const { backend, markers } = this.parts;
    const now = this.now();
    const keepMs = markers.keepMs(groups, expiresAt(entry), now);
    const scopes = await backend.ensure({ scopes: groups, keepMs });
    markers.remember(groups, now, keepMs);
    return scopes;
  }

  #ttlOf(entry: Entry): Millis {
    return Math.max(1, Math.ceil(expiresAt(entry) - this.now()));
  }
}

interface SetRequest {
  /** What this process knew of before the clocks of the entry were read. */
  readonly readAt: NoticeSeq;
  readonly onStored: () => void;
  /** Only if this lease is still held. */
  readonly token?: string;
}
