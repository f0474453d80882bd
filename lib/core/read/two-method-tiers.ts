import type { CacheBackend } from '../../ports/backend.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry, Envelope } from '../../ports/entry.js';
import { BackendError, CodecError } from '../../ports/errors.js';
import type { FrozenValue } from '../../ports/memory-tier.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import { capExpiry, expiresAt, judge } from '../groups/freshness.js';
import type { Change } from '../groups/journal.js';
import type { LocalInvalidations } from '../groups/local-invalidations.js';
import type { Call } from '../options/call.js';
import type { Flight } from './flight.js';
import { emptyLookup, type EntryReader, groupsWith, type Lookup } from './lookup.js';
import { PerKeyQueue } from './per-key-queue.js';
import { race, TIMED_OUT } from './race.js';
import { tryFreeze } from './shared-value.js';
import type { FlightPermit, StoreResult, Tiers } from './tiers.js';

const NO_BYTES = new Uint8Array(0);

export interface TwoMethodParts {
  readonly backend: CacheBackend;
  readonly prefix: string;
  readonly invalidations: LocalInvalidations;
  readonly reader: EntryReader;
  readonly envelope: Envelope;
  readonly clock: Clock;
  readonly timeoutMs: Millis;
  readonly isDrained: () => boolean;
}

/**
 * A backend of two methods, `get` and `set`: values live there, invalidations in this process.
 *
 * The narrower promise: everything holds within this process. Invalidations by other processes are
 * not seen. After a restart nothing counts as invalidated, since entries of earlier runs would
 * otherwise be of no use.
 */
export class TwoMethodTiers implements Tiers {
  readonly isCoherent = true;
  /** Counts stores: a lookup that one of them came after may be outdated. */
  #stores = 0;
  readonly #writes = new PerKeyQueue();
  readonly #lookedAt = new WeakMap<Lookup, number>();

  constructor(private readonly parts: TwoMethodParts) {}

  now(): Millis {
    return this.parts.clock.now();
  }

  get position(): NoticeSeq {
    return this.parts.invalidations.position;
  }

  get isUsable(): boolean {
    return this.parts.isDrained();
  }

  freshEntry(): undefined {
    return undefined;
  }

  lookup(call: Call): Lookup | Promise<Lookup> {
    if (!this.isUsable) return emptyLookup(call, 'l2', this.position);
    return this.#lookup(call);
  }

  async lease(flight: Flight, first: Lookup): Promise<FlightPermit> {
    // Another load has stored something since this one was looked for: the double check.
    const lookedAt = this.#lookedAt.get(first);
    if (this.isUsable && lookedAt !== undefined && lookedAt !== this.#stores) {
      const again = await this.#lookup(flight.call).catch(() => undefined);
      const { value, entry, freshness } = again ?? {};
      const isNewer = !flight.call.reload || entry?.createdAt !== first.entry?.createdAt;
      if (value !== undefined && entry !== undefined && freshness === 'fresh' && isNewer) {
        return { kind: 'stored', value, entry, readAt: Infinity };
      }
    }
    flight.readAt = this.position;
    flight.startTicks = [flight.readAt];
    flight.settleUntil = this.#openSettleWindow(flight);
    if (!this.isUsable) flight.storable = false;
    return undefined;
  }

  mayStillStore(flight: Flight): boolean {
    return flight.storable;
  }

  isUnchangedSince(flight: Flight): boolean {
    return flight.storable;
  }

  async store(flight: Flight, entry: Entry): Promise<StoreResult> {
    const { invalidations } = this.parts;
    let kept = entry;
    if (entry.tags.length !== flight.call.tags.length) {
      const until = invalidations.settleUntil(flight.storageKey, groupsWith(flight.call, entry));
      if (until > flight.startedAt) kept = capExpiry(entry, until);
      if (expiresAt(kept) <= this.now()) return 'expired';
    }
    return this.#write('set', flight.storageKey, async () => {
      if (!flight.storable) return 'refused';
      await this.#put(flight.storageKey, kept);
      return 'stored';
    });
  }

  release(): void {
    // Nothing was taken.
  }

  leasePut(flight: Flight): undefined {
    flight.readAt = this.position;
    flight.startTicks = [flight.readAt];
    flight.settleUntil = this.#openSettleWindow(flight);
  }

  async storePut(flight: Flight, entry: Entry, onStored: () => void): Promise<boolean> {
    if (!this.isUsable) return false;
    return this.#write('set', flight.storageKey, async () => {
      if (!flight.storable) return false;
      await this.#put(flight.storageKey, entry);
      onStored();
      return true;
    });
  }

  async set(call: Call, entry: Entry, onStored: () => void): Promise<void> {
    const startTicks = [this.position];
    await this.#write('set', call.storageKey, () =>
      this.#put(call.storageKey, { ...entry, startTicks }),
    );
    onStored();
  }

  async send(change: Change): Promise<void> {
    if (change.kind !== 'keys') return;
    const { keys } = change;
    const removals = keys.map((key) => this.#write('delete', key, () => this.#remove(key)));
    const results = await Promise.allSettled(removals);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const reason: unknown = result.reason;
      throw reason;
    }
  }

  freeze(codec: Codec, body: Payload): FrozenValue | undefined {
    return codec.immutable === true ? tryFreeze(codec, body) : undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #openSettleWindow({ storageKey, call }: Flight): Millis {
    const until = this.parts.invalidations.settleUntil(storageKey, call.groups);
    return until > this.now() ? until : 0;
  }

  async #lookup(call: Call): Promise<Lookup> {
    const { position } = this;
    const stores = this.#stores;
    const lookup = this.#judge(call, await this.#get(call), position);
    this.#lookedAt.set(lookup, stores);
    return lookup;
  }

  #judge(call: Call, entry: Entry | undefined, readAt: NoticeSeq): Lookup {
    const { invalidations, reader } = this.parts;
    if (entry === undefined || !reader.codecMatches(entry, call.policy.codec)) {
      return emptyLookup(call, 'l2', readAt, entry);
    }
    const groups = groupsWith(call, entry);
    const validity = invalidations.validity(entry.startTicks[0] ?? 0, groups);
    const freshness = judge(entry, this.now(), validity);
    const value = freshness === 'expired' ? undefined : reader.open(call.storageKey, entry);
    if (value === undefined) return emptyLookup(call, 'l2', readAt, entry);
    return { ...emptyLookup(call, 'l2', readAt, entry), freshness, value, groups };
  }

  async #get(call: Call): Promise<Entry | undefined> {
    const { backend, clock, envelope, prefix, reader, timeoutMs } = this.parts;
    const left = Math.min(timeoutMs, Math.max(1, call.backendBy - clock.now()));
    const bytes = await this.#bounded('get', left, async () =>
      backend.get(prefix + call.storageKey),
    );
    if (bytes === undefined || bytes === null || bytes.length === 0) return undefined;
    try {
      const entry = envelope.unpack(bytes);
      if (entry.key === call.key.text) return entry;
      throw new CodecError('The entry was stored for another key.');
    } catch (error) {
      reader.reportCorrupt(call.storageKey, error);
      return undefined;
    }
  }

  async #put(key: string, entry: Entry): Promise<void> {
    const { backend, envelope, prefix } = this.parts;
    const payload = envelope.pack(entry);
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    const ttlMs = Math.max(1, Math.ceil(expiresAt(entry) - this.now()));
    await backend.set(prefix + key, bytes, ttlMs);
    this.#stores++;
  }

  async #remove(key: string): Promise<void> {
    const { backend, prefix } = this.parts;
    if (backend.delete === undefined) await backend.set(prefix + key, NO_BYTES, 1);
    else await backend.delete(prefix + key);
  }

  /** A deadline ends the waiting, not the write: the key's next write waits for its real end. */
  #write<T>(operation: string, key: string, task: () => Promise<T>): Promise<T> {
    return this.#bounded(operation, this.parts.timeoutMs, () => this.#writes.enqueue(key, task));
  }

  /** The user's backend may hang; a call must not. */
  async #bounded<T>(operation: string, ms: Millis, task: () => Promise<T>): Promise<T> {
    const { backend, clock } = this.parts;
    const name = `${backend.name ?? backend.constructor.name}.${operation}`;
    const unknownOutcome = operation !== 'get';
    const result = await race(task(), { clock, ms }).catch((cause: unknown) => {
      throw new BackendError('FAILED', `${name} failed.`, { cause, unknownOutcome });
    });
    if (result !== TIMED_OUT) return result;
    const message = `${name} did not settle within ${String(ms)} ms.`;
    throw new BackendError('TIMEOUT', message, { unknownOutcome });
  }
}
