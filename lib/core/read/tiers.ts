import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import type { FrozenValue, MemoryEntry } from '../../ports/memory-tier.js';
import type { Millis, NoticeSeq } from '../../ports/time.js';
import type { Change } from '../groups/journal.js';
import type { Call } from '../options/call.js';
import type { Flight, FlightResult } from './flight.js';
import type { Lookup } from './lookup.js';

/** What became of an entry that a load wants to store. */
export type StoreResult = 'stored' | 'refused' | 'expired';

/**
 * Where a cache keeps its entries, as the engine sees it: memory alone, a backend of two methods,
 * or a shared backend with or without L1. Answers at once where nothing has to be waited for.
 *
 * Methods may throw or reject with a `BackendError`; the engine then goes on without the backend.
 */
export interface Tiers {
  /** Shared time, by which entries are judged. */
  now(): Millis;
  /** What this process knows of invalidations now. */
  readonly position: NoticeSeq;
  /** May entries be read from and stored in the backend? */
  readonly isUsable: boolean;
  /** Does this process learn of every invalidation by itself? */
  readonly isCoherent: boolean;
  /** A fresh entry that is in memory and needs no further judging. */
  freshEntry(storageKey: string): MemoryEntry | undefined;

  /** @param withLease also tell which lease is held on the key */
  lookup(call: Call, withLease: boolean): Lookup | Promise<Lookup>;
  /**
   * Prepares a production: takes the lease where there are several processes, and looks again.
   * @returns undefined to produce; else the result that ends the flight
   */
  lease(flight: Flight, first: Lookup): FlightPermit | Promise<FlightPermit>;
  /** A running load whose result `call` may not share may still be stored. */
  mayStillStore(flight: Flight, lookup: Lookup): boolean;
  /** No invalidation since the flight's production began, as far as `lookup` can tell. */
  isUnchangedSince(flight: Flight, lookup: Lookup): boolean;
  /**
   * Stores the result of a load, if nothing has overtaken it.
   * @param frozen the decoded value, when `freeze` gave one
   */
  store(
    flight: Flight,
    entry: Entry,
    frozen: FrozenValue | undefined,
  ): StoreResult | Promise<StoreResult>;
  /** Gives up what `lease` took. Idempotent. */
  release(flight: Flight): void;

  /** Prepares a method whose result is going to replace what is stored. */
  leasePut(flight: Flight): undefined | Promise<void>;
  /**
   * Stores the result of a method, if nothing has overtaken it.
   * @param onStored lets the change take effect in this process, before the value goes to memory
   */
  storePut(flight: Flight, entry: Entry, onStored: () => void): boolean | Promise<boolean>;
  /** Stores a value whatever is there, as `storePut` does. */
  set(call: Call, entry: Entry, onStored: () => void): undefined | Promise<void>;
  /** Deletes keys or invalidates groups in the backend. */
  send(change: Change): undefined | Promise<void>;
  /** The value as one frozen object, when memory keeps values of the codec like that. */
  freeze(codec: Codec, body: Payload): FrozenValue | undefined;
  /** Ends what was opened. */
  close(): Promise<void>;
}

export type FlightPermit = FlightResult | undefined;

/** Distinguishes an answer that is there at once. */
export function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return answer instanceof Promise;
}
