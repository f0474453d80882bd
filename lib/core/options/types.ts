import type { CacheBackend } from '../../ports/backend.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Duration } from '../../ports/duration.js';
import type { CacheKey } from '../key/key.js';

/** A built key, or a plain string: one opaque segment in the tenant of the resolver. */
export type KeyLike = CacheKey | string;

/** `'json'` and `'cbor'` are built in; give any other codec as an object. */
export type CodecChoice = 'json' | 'cbor' | Codec;

/**
 * Refresh before the ttl ends. `'xfetch'`: probabilistic, by the measured cost of the load (Vattani
 * et al., VLDB 2015). A number between 0 and 1: once that share of the ttl has passed. `false`:
 * never.
 */
export type RefreshAhead = 'xfetch' | number | false;

/** Options of a whole cache and of a single call; those of the call win. */
export interface EntryOptions<T = unknown> {
  /**
   * How long the value is fresh, or a function of the value that returns it. Milliseconds or a
   * string such as '30s'; 0 to 10,000 days. 0: the value is not stored. Default 30 s.
   */
  readonly ttl?: Duration | ((value: T) => Duration);
  /** As `ttl`, when the value is null. Default: the smaller of `ttl` and 30 s. */
  readonly nullTtl?: Duration;
  /**
   * How long after `ttl` the stale value is returned at once while one refresh runs (RFC 5861).
   * 0 to 10,000 days. Default 0.
   */
  readonly staleWhileRevalidate?: Duration;
  /**
   * How long after `ttl` the stale value is returned when the producer fails (RFC 5861).
   * 0 to 10,000 days. Default 0.
   */
  readonly staleIfError?: Duration;
  /**
   * For which producer errors `staleIfError` holds. Default: all but abort errors and errors with a
   * 4xx `status`.
   */
  readonly staleIfErrorWhen?: (error: unknown) => boolean;
  /** The largest random share by which each ttl is shortened, 0 to 1. Default 0.1. */
  readonly jitter?: number;
  /** Refresh before the ttl ends. Default false. */
  readonly refreshAhead?: RefreshAhead;
  /**
   * How long a producer may take. `soft`: after this a usable stale value is returned, 0 to
   * 10,000 days; 0: never. `hard`: after this the call rejects and the key is free, from 1 ms.
   * Default: `soft` 0, `hard` 30 s.
   */
  readonly producerTimeout?: { readonly soft?: Duration; readonly hard?: Duration };
  /** How the value is stored. Default 'json'. */
  readonly codec?: CodecChoice;
}

export interface GetOrSetOptions<T = unknown> extends EntryOptions<T> {
  /**
   * Tags known beforehand, or a function of the value: at most 64, each of 1 to 256 characters.
   * They belong to the key's tenant. Default: none.
   */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]);
  /** Further tags from the value, beside `tags` that are known beforehand. Default: none. */
  readonly resultTags?: (value: T) => readonly string[];
  /**
   * Rejects this call; the load goes on for other callers, and is aborted when none is left.
   * Default: none.
   */
  readonly signal?: AbortSignal;
  /** When this returns true for the value, it is not stored. Default: every value is stored. */
  readonly unless?: (value: T) => boolean;
}

export interface SetOptions<T = unknown> extends EntryOptions<T> {
  readonly tags?: readonly string[] | ((value: T) => readonly string[]);
  readonly resultTags?: (value: T) => readonly string[];
}

export interface ProducerContext {
  /** Aborts at the hard producer timeout and when no caller waits any more. */
  readonly signal: AbortSignal;
  /** True for a refresh that no caller waits for: it runs outside of any request. */
  readonly background: boolean;
  /** The tenant of the key, also in the background, where no resolver knows it. */
  readonly tenant: string | undefined;
  /** The value that the load replaces, if it is usable. */
  readonly stale: { readonly value: unknown } | undefined;
  /** Overrides `ttl` for this value. */
  setTtl(ttl: Duration): void;
  /** Overrides `staleWhileRevalidate` and `staleIfError` for this value. */
  setWindows(windows: {
    readonly staleWhileRevalidate?: Duration;
    readonly staleIfError?: Duration;
  }): void;
  addTags(...tags: string[]): void;
  /** Return the value without storing it. */
  skip(): void;
}

/** The second argument of `produceMissing`. */
export interface BatchContext {
  /** Aborts at the hard producer timeout, and when no caller waits for any of the keys. */
  readonly signal: AbortSignal;
  /** True for refreshes that no caller waits for: they run outside of any request. */
  readonly background: boolean;
  /**
   * The tenant of the keys; undefined when they have none, or several. In the background each
   * tenant has a call of its own.
   */
  readonly tenant: string | undefined;
}

/** Values, or errors for single keys, in the order of the keys. */
export type BatchProducer<T, K extends KeyLike = KeyLike> = (
  missing: readonly K[],
  context: BatchContext,
) => Promise<readonly (T | Error)[]> | readonly (T | Error)[];

/** The context does not depend on `T`, so that `T` is inferred from what the producer returns. */
export type Producer<T> = (context: ProducerContext) => Promise<T> | T;

/** At least one of `keys`, `tags`, `segment`, `tenant`. */
export interface InvalidateRequest {
  readonly keys?: readonly KeyLike[];
  readonly tags?: readonly string[];
  /**
   * The tenant whose entries are invalidated; alone: all of them. Default: the tenant of the
   * resolver.
   */
  readonly tenant?: string | number | bigint;
  readonly segment?: string;
  /** With several tags: entries that have any of them, or all of them. Default 'any'. */
  readonly match?: 'any' | 'all';
  /** `'soft'`: stale, still usable in the stale windows. `'hard'`: never used. Default 'hard'. */
  readonly mode?: 'soft' | 'hard';
  /**
   * For lagging replicas: loads that start within this window are not stored beyond it.
   * 0 to 10,000 days. Default `replicaLag`.
   */
  readonly settle?: Duration;
}

/**
 * `durable: false`: it took effect in this process, is in the journal, and is repeated when the
 * backend is back.
 */
export interface InvalidationResult {
  readonly durable: boolean;
  /** Inside a unit of work: it takes effect when the unit commits. */
  readonly held?: true;
}

/** A class of events; stands for its instances and those of its subclasses. */
export type EventClass<E extends object = object> = abstract new (...args: never[]) => E;

/** What an event invalidates: one request, several, or nothing. */
export type Invalidates<E extends object> = (
  event: E,
) => InvalidateRequest | readonly InvalidateRequest[] | undefined;

/** Which invalidations follow from an event; made by `on`. */
export interface InvalidationRule {
  readonly event: EventClass;
  readonly invalidates: Invalidates<never>;
}

export interface WarmUpOptions<T = unknown> extends GetOrSetOptions<T> {
  /** Keys per call of `produceMissing`, at least 1. Default 100. */
  readonly batchSize?: number;
  /** Calls of `produceMissing` at a time, at least 1. Default 2. */
  readonly concurrency?: number;
  /** Called after each batch. */
  readonly onProgress?: (progress: WarmUpProgress) => void;
  /**
   * Only one process of the fleet warms up, at most once per `every` and tenant of the resolver;
   * it may take `within`, from 1 ms (default '1h'). Default: every process, every time.
   */
  readonly once?: { readonly name: string; readonly every: Duration; readonly within?: Duration };
}

/** The progress of a warm-up. */
export interface WarmUpProgress {
  /** Keys found or loaded so far. */
  readonly done: number;
  /** The part of `done` that failed. */
  readonly failed: number;
  readonly total: number;
}

export interface WarmUpResult extends WarmUpProgress {
  /** True when another process does it, or has done it. */
  readonly skipped: boolean;
  /** Present when the cache was closed before all keys were done. */
  readonly stopped?: true;
}

export type Tenancy = 'optional' | 'required';

export interface CacheOptions extends EntryOptions {
  /** 1 to 100 characters. Default 'default'. */
  readonly name?: string;
  /** Where entries are stored. Default: a `MemoryBackend` with its defaults. */
  readonly backend?: CacheBackend;
  /** A cache in memory in front of a shared backend; true: with its defaults. Default false. */
  readonly l1?: boolean | MemoryOptions;
  /**
   * Prefix of everything in the backend, 1 to 100 characters. Default `cache-NAME` with the name of
   * the cache; 'cache' for the one called 'default'.
   */
  readonly namespace?: string;
  /** `'required'`: a key without a tenant is an error. Default 'optional'. */
  readonly tenancy?: Tenancy;
  /** Returns the tenant of keys that name none; undefined: no tenant. Default: no tenant. */
  readonly tenant?: () => string | number | bigint | undefined;
  /** Default of `settle` of each invalidation. 0 to 10,000 days. Default 0. */
  readonly replicaLag?: Duration;
  /** Reject invalidations that could not be made durable. Default false. */
  readonly strict?: boolean;
  /**
   * The lease by which one process loads a key for all. `ttl`: until it must be renewed, from 100
   * ms, default 3 s. `wait`: how long other processes wait for the value, default 10 s.
   */
  readonly lease?: { readonly ttl?: Duration; readonly wait?: Duration };
  /**
   * How long a call waits for the backend before its producer starts. From 1 ms. Default 250 ms.
   */
  readonly backendTimeout?: Duration;
  /** Larger encoded values, in bytes, are returned but not stored. At least 1. Default 8 MiB. */
  readonly maxValueBytes?: number;
  /**
   * Events contain whole keys, which may be personal data, instead of segment and hash.
   * Default false.
   */
  readonly exposeKeys?: boolean;
  /**
   * What domain events invalidate, for `apply(event)`:
   * `[on(EntryPosted, (event) => ({ tags: [...] }))]`. Default: nothing.
   */
  readonly invalidations?: readonly InvalidationRule[];
  /** Default real time. */
  readonly clock?: Clock;
}

export interface MemoryOptions {
  /** 1 to 10,000,000. Default 10,000. */
  readonly maxEntries?: number;
  /** Bytes as a number, at least 1, or `'64mb'`. Default 64 MiB. */
  readonly maxBytes?: number | `${number}${'kb' | 'mb' | 'gb'}`;
  /**
   * `'copy'`: every reader gets a copy of its own. `'freeze'`: all readers share one deeply frozen
   * value, which is fastest. Default 'copy'.
   */
  readonly isolation?: 'copy' | 'freeze';
}
