import type { Clock } from './clock.js';
import type { MemoryTier } from './memory-tier.js';
import type { SharedBackend } from './shared-backend.js';
import type { Millis } from './time.js';

/** What a backend is given when a cache opens it. */
export interface BackendContext {
  /** Percent-encoded, non-empty; every key, marker and notice of the cache lives under it. */
  readonly namespace: string;
  readonly clock: Clock;
  /** No entry has a larger encoded value, in bytes. Default: not known. */
  readonly maxValueBytes?: number;
  /** Takes the problems of work that no caller waits for. Never throws. */
  readonly report: (problem: BackendProblem) => void;
}

export interface BackendProblem {
  /** A verb: 'connect', 'listen', 'read', ... */
  readonly operation: string;
  readonly error: Error;
}

/**
 * Where entries are kept. `get` and `set` are enough: single-flight, ttl, codecs and invalidations
 * within one process then work. The optional members declare further abilities; without them the
 * cache keeps the narrower promise that the documentation states.
 */
export interface CacheBackend {
  /** Shown in errors and health reports. Default: the class name. */
  readonly name?: string;
  /** @returns the bytes last stored under `key`; undefined or null when there are none */
  get(key: string): Promise<Uint8Array | null | undefined>;
  /** Keeps the bytes for `ttlMs` milliseconds (a positive integer), replacing what is there. */
  set(key: string, bytes: Uint8Array, ttlMs: Millis): Promise<unknown>;
  /** Ability: removes a key. Without it the cache stores a tombstone that expires at once. */
  delete?(key: string): Promise<unknown>;
  /** Ability: leases, markers and notices shared by every process that uses this backend. */
  openShared?(context: BackendContext): SharedBackend;
  /** Ability: the backend lives in this process and answers synchronously. */
  openMemory?(context: BackendContext): MemoryTier;
  /** Ends what the backend itself opened. Idempotent. */
  close?(): Promise<void>;
}
