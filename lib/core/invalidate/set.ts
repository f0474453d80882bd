import type { Payload } from '../../ports/codec.js';
import type { Entry, Tick } from '../../ports/entry.js';
import { BackendError } from '../../ports/errors.js';
import type { ScopeGroups } from '../../ports/shared-backend.js';
import type { Call } from '../options/call.js';
import type { CacheEvents } from '../observe/events.js';
import { normalizeTags, groupsOf, settleUntil, unionTags } from '../groups/groups.js';
import type { Invalidator } from './invalidator.js';
import type { Change } from '../groups/journal.js';
import type { LeaseDesk } from '../read/lease.js';
import type { MarkerKeeper } from '../read/marker-keeper.js';
import { type Settings, ttlFor } from '../options/options.js';
import { PendingPut } from './pending-put.js';
import { deadlines, expiresAt } from '../groups/freshness.js';
import { PutOrder, type Writing } from './put-order.js';
import type { Stats } from '../observe/stats.js';
import { encode } from '../read/shared-value.js';
import type { Tiers } from '../read/tiers.js';

export interface PutsParts {
  readonly settings: Settings;
  readonly tiers: Tiers;
  readonly desk: LeaseDesk;
  readonly keeper: MarkerKeeper;
  readonly invalidator: Invalidator;
  readonly stats: Stats;
  readonly events: CacheEvents;
  readonly label: (storageKey: string) => string;
  readonly failed: (during: string, error: unknown) => void;
  /** Carries changes out, like those of a caller. */
  readonly apply: (changes: readonly Change[]) => Promise<boolean>;
}

/** A value that can be stored. */
interface Parcel {
  readonly body: Payload;
  readonly ttl: number;
  readonly tags: readonly string[];
  readonly groups: readonly ScopeGroups[];
}

/**
 * Values that replace what is stored, whatever it is.
 *
 * The value of a `set` was there before the cache heard of it: nothing tells whether it is older than an invalidation, and it is stored. The result
 * of a method is fenced like a load: the clocks are read and the lease is taken before the method begins, and it is stored in the step that finds
 * the lease still held. Else it is not known whether something newer is there, and the key is deleted: what the method has changed makes the old
 * value old in any case.
 *
 * Nobody waits for a method: whoever has to load takes its lease over, which only means that the result is not stored. So a method may be slow, and
 * ask for its own key in this process or another.
 */
export class Puts {
  readonly order = new PutOrder();
  readonly #pending = new Set<PendingPut>();

  constructor(readonly parts: PutsParts) {}

  /**
   * @returns false when it waits in the journal
   * @throws what the callbacks of the call throw; CodecError, CacheConfigError
   */
  async set(call: Call, value: unknown): Promise<boolean> {
    const { apply, invalidator, stats } = this.parts;
    const removal = this.#removal(call);
    const parcel = this.#pack(call, value);
    if (parcel === undefined) return apply([removal]);
    invalidator.here(removal);
    stats.cache_invalidations++;
    const writing = this.order.begin(call.storageKey, parcel.groups);
    writing.done = this.#write(call, parcel, writing);
    return writing.done;
  }

  /** Before a method whose result is to replace what is stored. Never rejects; the backend has `backendTimeout` to answer. One round trip. */
  async begin(call: Call): Promise<PendingPut> {
    const { tiers, desk, keeper, failed } = this.parts;
    const put = new PendingPut(call.key, tiers.clock.now(), tiers.fences.moment());
    if (!tiers.usable) return put;
    const lease = desk.nameOfPut();
    const leftMs = Math.max(1, call.backendBy - tiers.clock.now());
    const [scopes, acquired] = await Promise.allSettled([
      keeper.ensure(call.groups, tiers.store.now(), leftMs),
      desk.acquire(call, lease, undefined, undefined, true),
    ]);
    if (acquired.status === 'rejected') failed('acquire', acquired.reason);
    else if (acquired.value.state === 'leased') {
      put.lease = lease;
      put.settleUntil = acquired.value.settleUntil;
    }
    if (scopes.status === 'rejected') {
      failed('acquire', scopes.reason);
      desk.release(put);
      return put;
    }
    put.startTicks = scopes.value.map((scope) => scope.clock ?? 0);
    put.settleUntil = Math.max(put.settleUntil, settleUntil(scopes.value));
    if (put.lease === undefined) return put;
    this.#pending.add(put);
    if (!tiers.local) put.cancelRenewal = desk.keepAlive(put);
    return put;
  }

  /**
   * The method has succeeded. One round trip, two when its tags became known only now.
   * @returns false when it waits in the journal
   * @throws as `set`
   */
  async replace(put: PendingPut, call: Call, value: unknown): Promise<boolean> {
    const { apply, invalidator, keeper, stats, events, label, tiers } = this.parts;
    const removal = this.#removal(call);
    const parcel = this.#pack(call, value);
    const { lease } = put;
    put.lease = undefined;
    const now = tiers.store.now();
    const late = put.settleUntil > 0 && put.settleUntil <= now;
    if (parcel === undefined || late || !tiers.usable) return apply([removal]);
    if (lease !== undefined && !this.order.isBusy(call.storageKey)) {
      try {
        const cost = Math.max(0, tiers.clock.now() - put.began);
        const entry = this.#entry(call, parcel, put.startTicks, now, cost, put.settleUntil);
        const until = expiresAt(entry);
        if (!keeper.areKept(parcel.groups, until)) await keeper.ensure(parcel.groups, until);
        invalidator.here(removal);
        if (await this.#send(call, entry, put.learned, lease)) {
          stats.cache_invalidations++;
          return true;
        }
      } catch (error) {
        return this.#unsure(removal, error);
      }
    }
    stats.cache_fill_refused++;
    if (events.hasListeners) events.emit({ type: 'fill_refused', key: label(call.storageKey) });
    return apply([removal]);
  }

  /** To be called when the method is over, in whatever way. */
  end(put: PendingPut): void {
    this.#pending.delete(put);
    put.cancelRenewal();
    this.parts.desk.release(put);
  }

  /** Changes that are called now come after the sets that were called before. */
  overtake(changes: readonly Change[]): void {
    this.order.overtake(changes);
  }

  /** Results of methods that are still running are not stored any more. */
  close(): void {
    for (const put of this.#pending) this.end(put);
  }

  async #write(call: Call, parcel: Parcel, writing: Writing): Promise<boolean> {
    const { tiers, invalidator, keeper } = this.parts;
    const removal = this.#removal(call);
    try {
      if (!tiers.usable)
        throw new BackendError(
          'UNAVAILABLE',
          'The backend is not to be used before the journal is replayed.',
        );
      const now = tiers.store.now();
      // Before the clocks are read: a group that moves after it makes the entry old, in L1 as in the backend.
      const learned = tiers.fences.moment();
      const described = this.#entry(call, parcel, [], now, 0, 0);
      const scopes = await keeper.ensure(parcel.groups, expiresAt(described));
      const entry: Entry = { ...described, startTicks: scopes.map((scope) => scope.clock ?? 0) };
      const sent = await this.order.inTurn(writing, async () => {
        if (writing.overtaker === undefined) await this.#send(call, entry, learned, undefined);
        else if (writing.overtaker !== 'change') return undefined;
        // What was called meanwhile may have arrived before.
        return writing.overtaker === 'change' ? invalidator.apply([removal]) : true;
      });
      return sent ?? (await overtakerOf(writing));
    } catch (error) {
      return this.#unsure(removal, error);
    } finally {
      this.order.end(writing);
    }
  }

  async #send(
    call: Call,
    entry: Entry,
    learned: number,
    lease: string | undefined,
  ): Promise<boolean> {
    const { tiers, invalidator } = this.parts;
    const { store, fences } = tiers;
    const removal = this.#removal(call);
    const setting = store.set(
      call.storageKey,
      entry,
      Math.max(1, Math.ceil(expiresAt(entry) - store.now())),
      lease,
    );
    const began = fences.moment();
    if (!(await setting)) return false;
    // A notice that came meanwhile may be of a change after ours: then L1 learns the entry by reading it.
    const quiet = fences.quietSince(began);
    invalidator.here(removal);
    invalidator.arrived(removal);
    if (quiet) tiers.keep(call.storageKey, entry, learned);
    return true;
  }

  /** Whether it arrived is not known: then at least the old value has to go. */
  #unsure(removal: Change, error: unknown): boolean {
    const { failed, invalidator, stats } = this.parts;
    failed('set', error);
    stats.cache_write_err++;
    invalidator.here(removal);
    invalidator.defer(removal);
    return false;
  }

  #removal(call: Call): Change {
    return { kind: 'keys', keys: [call.storageKey], settleMs: this.parts.settings.replicaLag };
  }

  /** Undefined for what is not stored. */
  #pack(call: Call, value: unknown): Parcel | undefined {
    const ttl = value === undefined ? 0 : ttlFor(call.policy, value, undefined);
    if (ttl === 0) return undefined;
    const body = encode(call.policy.codec, value);
    if (body.length > this.parts.settings.maxValueBytes) return undefined;
    const tags = unionTags(call.tags, normalizeTags(call.resultTags?.(value) ?? []));
    return {
      body,
      ttl,
      tags,
      groups: tags === call.tags ? call.groups : groupsOf(call.key, call.plain, tags),
    };
  }

  #entry(
    call: Call,
    { body, ttl, tags }: Parcel,
    startTicks: readonly Tick[],
    now: number,
    cost: number,
    settles: number,
  ): Entry {
    const { codec, staleWhileRevalidate, staleIfError, jitter } = call.policy;
    const windows = deadlines(
      now,
      { ttl, staleWhileRevalidate, staleIfError },
      jitter,
      Math.random(),
      settles,
    );
    return {
      key: call.key.text,
      codec: codec.id,
      body,
      createdAt: now,
      ...windows,
      cost,
      startTicks,
      tags,
    };
  }
}

/** What became of the set that came after. */
function overtakerOf({ overtaker }: Writing): Promise<boolean> {
  return overtaker === undefined || overtaker === 'change' ? Promise.resolve(true) : overtaker.done;
}
