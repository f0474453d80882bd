import type { Entry } from './entry.js';
import type { Millis } from './time.js';

/** A decoded value, deeply frozen, that every caller may share. */
export interface FrozenValue {
  readonly value: unknown;
  /** Estimated bytes beside the encoded form. */
  readonly size: number;
}

/** An entry in memory. */
export interface MemoryEntry {
  readonly entry: Entry;
  /** Present with isolation 'freeze', and for codecs whose values are immutable. */
  readonly frozen: FrozenValue | undefined;
  /** The engine's own note on when it judged the entry; the tier only keeps it. */
  stamp?: object | undefined;
}

/**
 * A synchronous, bounded store of entries in this process: the whole cache when it lives in memory,
 * or the L1 in front of a shared backend.
 */
export interface MemoryTier {
  readonly isolation: 'copy' | 'freeze';
  readonly size: number;
  /** The same object for all tiers that share their entries. */
  readonly namespace: object;
  /** Counts as a use for eviction. An entry past its physical expiry is not returned. */
  get(key: string): MemoryEntry | undefined;
  /** As `get`, without looking at the clock: the caller checks the expiry itself. */
  getEvenIfExpired(key: string): MemoryEntry | undefined;
  /** @returns false when the entry is too large to keep; then nothing is kept under the key */
  put(key: string, entry: MemoryEntry, expiresAt: Millis): boolean;
  remove(key: string): void;
  clear(): void;
  /** Removes the entries of a scope in small slices. @returns how many */
  reclaim(scope: string, signal: AbortSignal): Promise<number>;
}
