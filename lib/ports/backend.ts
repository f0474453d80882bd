import type { Clock } from './clock.js';
import type { MemoryTier } from './memory-tier.js';
import type { SharedBackend } from './shared-backend.js';

/** What a backend is given when a cache opens it. */
export interface BackendContext {
  /** Percent-encoded, non-empty; every key, marker and notice of the cache lives under it. */
  readonly namespace: string;
  readonly clock: Clock;
  /** Where the backend reports what nobody awaits. Never throws. */
  readonly report: (problem: BackendProblem) => void;
}

export interface BackendProblem {
  /** What was being done, a verb: 'connect', 'listen', 'read', ... */
  readonly operation: string;
  readonly error: Error;
}

/**
 * Where entries are kept. `get` and `set` are enough: single-flight, ttl, codecs and everything within one process then work.
 * Further abilities are declared by the optional members; without them the cache keeps the narrower promise its documentation states.
 */
export interface CacheBackend {
  /** Shown in errors and health reports. Default: the class name. */
  readonly name?: string;
  /** The bytes last stored under `key`, unless they expired; undefined or null when there are none. */
  get(key: string): Promise<Uint8Array | null | undefined>;
  /** Keeps the bytes for `ttlMs` milliseconds (a positive integer), replacing what is there. */
  set(key: string, bytes: Uint8Array, ttlMs: number): Promise<unknown>;
  /** Capability: removes a key. Without it the cache overwrites the key with a tombstone that expires at once. */
  delete?(key: string): Promise<unknown>;
  /** Capability: leases, markers and notices shared by every process that uses this backend. */
  openShared?(context: BackendContext): SharedBackend;
  /** Capability: the backend lives in this process and answers synchronously. */
  openMemory?(context: BackendContext): MemoryTier;
  /** Ends what the backend itself opened. Idempotent. */
  close?(): Promise<void>;
}
