import type { Entry, Tick } from './entry.js';

/** An invalidation of entries that are in all of `groups` (`match: 'all'`); group names as in `ScopeGroups`, sorted. */
export interface MarkerCombination {
  readonly groups: readonly string[];
  readonly hard: Tick;
  readonly soft: Tick;
}

/** How far a group has been invalidated. */
export interface Marker {
  /** Entries whose start tick is below this are unusable for anything. */
  readonly hard: Tick;
  /** Entries whose start tick is below this are at most stale; never below `hard`. */
  readonly soft: Tick;
  /** Loads that start before this moment (shared time, ms) may have read a lagging replica: not stored beyond it. 0 when none. */
  readonly settleUntil: number;
  readonly combinations: readonly MarkerCombination[];
}

/**
 * Groups of one scope. A scope is a namespace (`''`) or one tenant of it (the encoded tenant, never empty). Group names:
 * `*` everything in the scope, `s:NAME` a segment, `t:NAME` a tag; names are percent-encoded text without white space.
 */
export interface ScopeGroups {
  readonly scope: string;
  readonly groups: readonly string[];
}

/** What a scope looked like at one moment: `markers[i]` belongs to `groups[i]` of the request. */
export interface ScopeReading {
  /** Absent when the clock does not exist (never used, evicted, flushed). */
  readonly clock: Tick | undefined;
  readonly markers: readonly (Marker | undefined)[];
  /** From a store that forgets markers by itself: what it forgot of this scope was not above this tick. */
  readonly forgotten?: Tick;
}

export interface Reading<Stored> {
  readonly stored: Stored | undefined;
  /** `reading.scopes[i]` belongs to `scopes[i]` of the request. */
  readonly scopes: readonly ScopeReading[];
  /** The lease on the key, only when the request asked for it. */
  readonly lease: string | undefined;
}

export interface ReadRequest {
  readonly key: string;
  readonly scopes: readonly ScopeGroups[];
  /** Also read the lease. */
  readonly withLease: boolean;
  /** True when the stored value is expected to be text: lets a backend fetch it the faster way. Never changes the result. */
  readonly text: boolean;
}

export interface AcquireRequest<Stored> {
  readonly key: string;
  /** The lease to set: unique text without white space, at most 200 characters. */
  readonly lease: string;
  readonly leaseMs: number;
  /** What the caller has already judged; another stored value is returned instead of a lease (the double check). */
  readonly seen: Stored | undefined;
  /** A lease known to be dead (its load was overtaken by an invalidation): replaced if it is still the one held. */
  readonly dead: string | undefined;
  /** The holder is going to replace whatever is stored: no value stands in the way of the lease. Default false. */
  readonly replaces?: boolean;
  readonly text: boolean;
}

export type Acquired<Stored> =
  | {
      readonly state: 'leased';
      /** Shared time (ms) before which loads of this key may have read a lagging replica; 0 when none. */ readonly settleUntil: number;
    }
  | { readonly state: 'found'; readonly stored: Stored }
  | {
      readonly state: 'held';
      readonly lease: string;
      /** How long the lease lasts unless renewed. */ readonly remainingMs: number;
    };

export interface GroupInvalidation {
  readonly scope: string;
  /** Group names; with `match: 'all'` two or more, and only entries that are in all of them are meant. */
  readonly groups: readonly string[];
  readonly match: 'any' | 'all';
  readonly mode: 'soft' | 'hard';
  /** Length of the settle window in ms; 0 for none. */
  readonly settleMs: number;
}

/** What happened elsewhere (or here), told to everyone who holds copies or runs loads. Never carries values. */
export type Notice =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | {
      readonly kind: 'groups';
      readonly invalidation: GroupInvalidation;
      readonly tick: Tick;
      readonly settleUntil: number;
    }
  | { readonly kind: 'released'; readonly key: string }
  /** Notices may have been missed: nothing that was learned before this is known to hold. */
  | { readonly kind: 'gap'; readonly reason: string };

export type BackendState = 'up' | 'down';

/**
 * A backend opened for one namespace, with leases and markers: what the engine works with. Every method may reject with a `BackendError`;
 * the engine then goes on without the backend. Every method settles within the backend's own deadline.
 *
 * `Stored` is what the store keeps: `Payload` in a shared backend (the engine packs entries into envelopes), `Entry` in memory.
 */
export interface SharedBackend<Stored> {
  /** Shared time: milliseconds since the epoch by the clock all users of this backend share. Costs no round trip. */
  now(): number;
  readonly state: BackendState;
  /** Called on every change of `state`, and with 'up' again after each reconnection. Returns the function that ends it. */
  onState(listener: (state: BackendState) => void): () => void;

  /** Value, clocks and markers in one round trip; reads of one tick travel together. `timeoutMs` caps the backend's own deadline. */
  read(request: ReadRequest, timeoutMs?: number): Promise<Reading<Stored>>;
  /** Takes the lease on a key unless another value or lease is there. One atomic step, one round trip. */
  acquire(request: AcquireRequest<Stored>, timeoutMs?: number): Promise<Acquired<Stored>>;
  /** Prolongs the lease; false when it is no longer held. */
  renew(key: string, lease: string, leaseMs: number): Promise<boolean>;
  /** Gives the lease up without storing, if it is still held; wakes waiters. */
  release(key: string, lease: string): Promise<void>;
  /** Stores the value and removes the lease, only if the lease is still held; else changes nothing and returns false. Wakes waiters. */
  fill(key: string, lease: string, stored: Stored, ttlMs: number): Promise<boolean>;
  /**
   * Stores the value whatever is there and removes the lease; tells everyone. One atomic step.
   * @param lease only if this lease is still held; else changes nothing, tells nobody and returns false
   */
  set(key: string, stored: Stored, ttlMs: number, lease?: string): Promise<boolean>;
  /** Removes values and leases in one command per slot; tells everyone. Loads started within `settleMs` are told by `acquire`. */
  delete(keys: readonly string[], settleMs: number): Promise<void>;
  /**
   * Makes missing clocks and markers from the clock as it is now, and keeps those markers for at least `keepMs` more.
   * One atomic step and one round trip per scope. `timeoutMs` caps the backend's own deadline.
   */
  ensure(
    scopes: readonly ScopeGroups[],
    keepMs: number,
    timeoutMs?: number,
  ): Promise<readonly ScopeReading[]>;
  /** Moves the scope's clock and the markers of the groups; tells everyone. One atomic step. Returns the new tick. */
  invalidate(invalidation: GroupInvalidation): Promise<Tick>;
  /** Removes the stored values of a scope (after its markers moved) so that memory comes back. May take long; ends early on `signal`. */
  reclaim(scope: string, signal: AbortSignal): Promise<number>;

  /** Notices from other users of the backend (and from this one, where the transport returns them). */
  subscribe(listener: (notice: Notice) => void): () => void;
  /** True while it is proven that no notice older than the coherence bound was missed. Cheap: called on every L1 hit. */
  isCoherent(): boolean;
  /** Ends everything this store started; does not close a client it was given. */
  close(): Promise<void>;
}

/** A synchronous bounded store of entries in this process: the near side of a `MemoryBackend`. */
export interface MemoryTier {
  /** Counts as a use for eviction; an entry past its physical expiry is not returned. */
  get(key: string): MemoryEntry | undefined;
  /** As `get`, but whoever asks looks himself whether the entry has expired: on the way of every hit one look at the clock is enough. */
  getEvenIfExpired(key: string): MemoryEntry | undefined;
  /** Keeps the entry until `expiresAt` (shared time, ms); false when it is too large to keep. */
  put(key: string, entry: MemoryEntry, expiresAt: number): boolean;
  remove(key: string): void;
  clear(): void;
  readonly size: number;
  readonly isolation: 'copy' | 'freeze';
}

/** A decoded value, deeply frozen, to be handed out as it is. */
export interface Frozen {
  readonly value: unknown;
  /** How many bytes it takes beside its encoded form, by estimate. */
  readonly size: number;
}

/** An entry in memory; with isolation 'freeze', or of an immutable codec, it may hold the decoded value. */
export interface MemoryEntry {
  readonly entry: Entry;
  readonly frozen: Frozen | undefined;
  /** The engine's note on when it judged this entry; a store only keeps it. */
  stamp?: object;
}
