import type { Payload } from './codec.js';
import type { GroupInvalidation, ScopeGroups, ScopeReading } from './groups.js';
import type { Millis, Tick } from './time.js';

/** What one read found: the value with everything that is needed to judge it. */
export interface Reading {
  readonly stored: Payload | undefined;
  /** `scopes[i]` belongs to `scopes[i]` of the request. */
  readonly scopes: readonly ScopeReading[];
  /** The token of the lease on the key; only when the request asked for it. */
  readonly lease: string | undefined;
}

export interface ReadRequest {
  readonly key: string;
  readonly scopes: readonly ScopeGroups[];
  /** Also read the lease. */
  readonly withLease: boolean;
  /** True when the value is expected to be text. A hint for speed: never changes the result. */
  readonly text: boolean;
}

export interface LeaseRequest {
  readonly key: string;
  /** Unique text without white space, at most 200 characters. */
  readonly token: string;
  readonly leaseMs: Millis;
  /** The token of an overtaken lease: taken over if it is still the one held (compare and set). */
  readonly overtaken?: string | undefined;
}

export type LeaseReply =
  | {
      readonly state: 'leased';
      /** Loads that start before this moment may have read a lagging replica. 0: none. */
      readonly settleUntil: Millis;
    }
  | {
      readonly state: 'held';
      readonly token: string;
      /** How long the lease lasts unless renewed. */
      readonly remainingMs: Millis;
    };

export interface FillRequest {
  readonly key: string;
  readonly token: string;
  readonly payload: Payload;
  readonly ttlMs: Millis;
  /** Clocks and markers that may be missing, or may end before the entry does. */
  readonly ensure?: EnsureRequest | undefined;
  /**
   * Refuse the fill when a settle window of `ensure`'s groups ends after this moment (shared time).
   * Default: no window is looked at.
   */
  readonly refuseIfSettlingAfter?: Millis | undefined;
}

export interface EnsureRequest {
  readonly scopes: readonly ScopeGroups[];
  /** Markers are kept at least this much longer; those of tags not longer than that. */
  readonly keepMs: Millis;
}

export type FillReply =
  | { readonly stored: true }
  /** `settleUntil` is 0 when the lease is lost, else the end of the window; the lease is kept. */
  | { readonly stored: false; readonly settleUntil: Millis };

/** Published to every process that holds copies or runs loads. Never carries values. */
export type Notice =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | {
      readonly kind: 'groups';
      readonly invalidation: GroupInvalidation;
      readonly tick: Tick;
      readonly settleUntil: Millis;
    }
  /** The lease on the key was given up: waiting processes may try again. */
  | { readonly kind: 'released'; readonly key: string }
  /** Notices may have been missed: nothing that was learned before this is known to hold. */
  | { readonly kind: 'gap'; readonly reason: string };

export type BackendState = 'up' | 'down';

/**
 * A backend that several processes share, opened for one namespace, with leases and markers. Every
 * method may reject with a `BackendError`; the engine then goes on without the backend. Every
 * method settles within the backend's own deadline. Requests of one tick travel together: leases
 * and `ensure` first, then reads, so that `lease` and `read` of one tick are one round trip in that
 * order.
 */
export interface SharedBackend {
  /** Milliseconds since the epoch by the clock that all users share. Costs no round trip. */
  now(): Millis;
  readonly state: BackendState;
  /** Calls on every change of `state`, and with 'up' again after each reconnection. */
  onState(listener: (state: BackendState) => void): () => void;

  /** Value, clocks and markers in one round trip. `timeoutMs` caps the backend's own deadline. */
  read(request: ReadRequest, timeoutMs?: Millis): Promise<Reading>;
  /** Takes the lease on a key unless another one is held. One atomic step, one round trip. */
  lease(request: LeaseRequest, timeoutMs?: Millis): Promise<LeaseReply>;
  /** Prolongs the lease. @returns false when it is no longer held */
  renew(key: string, token: string, leaseMs: Millis): Promise<boolean>;
  /** Gives the lease up if it is still held, and wakes processes that wait for it. */
  release(key: string, token: string): Promise<void>;
  /** Stores the value and removes the lease in one step, only if the lease is still held. */
  fill(request: FillRequest): Promise<FillReply>;
  /**
   * Stores the value whatever is there, removes the lease and publishes a notice. One atomic step.
   * @param token only if this lease is still held
   * @returns false when it is not; nothing is changed then
   */
  set(key: string, payload: Payload, ttlMs: Millis, token?: string): Promise<boolean>;
  /** Removes values and leases in one step per slot, and publishes a notice. */
  delete(keys: readonly string[], settleMs: Millis): Promise<void>;
  /** Makes missing clocks and markers from the clock as it is now. One atomic step per scope. */
  ensure(request: EnsureRequest, timeoutMs?: Millis): Promise<readonly ScopeReading[]>;
  /** Moves the scope's clock and the markers of the groups, and publishes a notice. Atomic. */
  invalidate(invalidation: GroupInvalidation): Promise<Tick>;
  /** Removes the values of a scope, after its markers moved, to give memory back. May take long. */
  reclaim(scope: string, signal: AbortSignal): Promise<number>;

  /** Notices of other users, and of this one where the transport returns them. */
  subscribe(listener: (notice: Notice) => void): () => void;
  /** True while it is proven that no notice older than the coherence bound was missed. Cheap. */
  isCoherent(): boolean;
  /** Ends everything that was opened; does not close a client it was given. */
  close(): Promise<void>;
}
