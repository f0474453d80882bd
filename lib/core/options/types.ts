import type { CacheBackend } from '../../ports/backend.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Duration } from '../../ports/duration.js';
import type { CacheKey } from '../key/key.js';

/** A built key, or a plain string: one opaque segment in the tenant that the resolver gives. */
export type KeyLike = CacheKey | string;

/** `'json'` and `'cbor'` are built in; any other codec is given as an object. */
export type CodecChoice = 'json' | 'cbor' | Codec;

/** `'xfetch'`: probabilistic, by the measured cost of the load (Vattani et al., VLDB 2015). A number in (0, 1): once that share of the ttl has passed. */
export type RefreshAhead = 'xfetch' | number | false;

/** What can be said for a whole cache and for a single call; the call wins. */
export interface EntryOptions<T = unknown> {
  /** Fresh for this long; may be a function of the value. Default 30 s. 0 means: do not store. */
  readonly ttl?: Duration | ((value: T) => Duration);
  /** Fresh for this long when the value is null. Default: the smaller of `ttl` and 30 s. */
  readonly nullTtl?: Duration;
  /** After `ttl`, for this long: answered at once with the stale value while one refresh runs (RFC 5861). Default 0. */
  readonly staleWhileRevalidate?: Duration;
  /** After `ttl`, for this long: answered with the stale value when the producer fails (RFC 5861). Default 0. */
  readonly staleIfError?: Duration;
  /** Which producer errors may be answered with the stale value. Default: all but abort errors and errors with a 4xx `status`. */
  readonly staleIfErrorWhen?: (error: unknown) => boolean;
  /** Shortens each ttl by a random share of at most this, 0 to 1. Default 0.1. */
  readonly jitter?: number;
  /** Default false. */
  readonly refreshAhead?: RefreshAhead;
  /** `soft`: with a usable stale value, answer with it after this long. `hard`: reject and free the key. Default: no soft, hard 30 s. */
  readonly producerTimeout?: { readonly soft?: Duration; readonly hard?: Duration };
  readonly codec?: CodecChoice;
}

export interface GetOrSetOptions<T = unknown> extends EntryOptions<T> {
  /** Tags known beforehand, or made from the value. Compared within the key's tenant. */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]);
  /** Further tags made from the value, when `tags` are known beforehand. */
  readonly resultTags?: (value: T) => readonly string[];
  /** Ends this caller's waiting; the production goes on for the others and is aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
  /** Not stored when this returns true for the value. */
  readonly unless?: (value: T) => boolean;
}

export interface SetOptions<T = unknown> extends EntryOptions<T> {
  readonly tags?: readonly string[] | ((value: T) => readonly string[]);
  readonly resultTags?: (value: T) => readonly string[];
}

export interface ProducerContext {
  /** Aborts at the hard producer timeout and when the last caller has gone. */
  readonly signal: AbortSignal;
  /** True for a refresh nobody waits for: it runs outside of any request. */
  readonly background: boolean;
  /** The tenant of the key; also in a refresh nobody waits for, where no resolver could tell. */
  readonly tenant: string | undefined;
  /** The value that would be replaced, when there is a usable one. */
  readonly stale: { readonly value: unknown } | undefined;
  /** Overrides `ttl` for what is being produced. */
  setTtl(ttl: Duration): void;
  /** Overrides `staleWhileRevalidate` and `staleIfError` for what is being produced. */
  setWindows(windows: {
    readonly staleWhileRevalidate?: Duration;
    readonly staleIfError?: Duration;
  }): void;
  addTags(...tags: string[]): void;
  /** Return the value without storing it. */
  skip(): void;
}

/** What `produceMissing` is told beside the keys. */
export interface BatchContext {
  /** Aborts when the productions of all its keys have: at the hard producer timeout and when the last caller has gone. */
  readonly signal: AbortSignal;
  /** True for refreshes nobody waits for: they run outside of any request. */
  readonly background: boolean;
  /** The tenant of the keys; undefined when they have none, or several. In the background they are of one: each tenant has its own call. */
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
  /** The tenant whose entries are meant; alone: all of the tenant's entries. Default: what the tenant resolver gives. */
  readonly tenant?: string | number | bigint;
  readonly segment?: string;
  /** With several tags: entries with any of them, or only entries with all. Default 'any'. */
  readonly match?: 'any' | 'all';
  /** soft: stale, still usable within the stale windows. hard: unusable for anything. Default 'hard'. */
  readonly mode?: 'soft' | 'hard';
  /** Loads that start within this window are not stored beyond it (lagging replicas). Default `replicaLag`. */
  readonly settle?: Duration;
}

/** `durable: false`: in effect in this process, kept in the journal, and repeated when the backend is back. */
export interface InvalidationResult {
  readonly durable: boolean;
  /** Present inside a unit of work: nothing has happened yet. */
  readonly held?: true;
}

/** A class of events; its instances, and those of its subclasses, are meant. */
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
  /** Keys in one production. Default 100. */
  readonly batchSize?: number;
  /** Productions at a time. Default 2. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: WarmUpProgress) => void;
  /** One process of the fleet does it, at most once in `every` (for each tenant that the resolver gives); it may take `within` (default '1h'). */
  readonly once?: { readonly name: string; readonly every: Duration; readonly within?: Duration };
}

/** How a warm-up goes on. */
export interface WarmUpProgress {
  /** Keys answered or produced so far. */
  readonly done: number;
  /** The part of `done` that failed. */
  readonly failed: number;
  readonly total: number;
}

export interface WarmUpResult extends WarmUpProgress {
  /** True when another process did it, or had done it. */
  readonly skipped: boolean;
  /** Present when the cache was closed before all keys were through. */
  readonly stopped?: true;
}

export type Tenancy = 'optional' | 'required';

export interface CacheOptions extends EntryOptions {
  /** Default 'default'. */
  readonly name?: string;
  /** Default: a `MemoryBackend` with its defaults. */
  readonly backend?: CacheBackend;
  /** A near cache in front of a shared backend: true for the defaults. */
  readonly l1?: boolean | MemoryOptions;
  /** Prefix of everything in the backend. Default 'cache'. */
  readonly namespace?: string;
  readonly tenancy?: Tenancy;
  /** The tenant of a call that names none; undefined when there is none. */
  readonly tenant?: () => string | number | bigint | undefined;
  /** Default settle window of every invalidation. Default 0. */
  readonly replicaLag?: Duration;
  /** Reject invalidations that could not be made durable. Default false. */
  readonly strict?: boolean;
  readonly lease?: { readonly ttl?: Duration; readonly wait?: Duration };
  /** Cap of what a call waits for the backend before its producer starts. Default 250 ms. */
  readonly backendTimeout?: Duration;
  /** Larger encoded values are returned but not stored. Default 8 MiB. */
  readonly maxValueBytes?: number;
  /** Keys may hold personal data: events name them by segment and hash unless this is true. Default false. */
  readonly exposeKeys?: boolean;
  /** What domain events invalidate, for `apply(event)`: `[on(EntryPosted, (event) => ({ tags: [...] }))]`. Default none. */
  readonly invalidations?: readonly InvalidationRule[];
  /** Default real time. */
  readonly clock?: Clock;
}

export interface MemoryOptions {
  /** Default 10,000. */
  readonly maxEntries?: number;
  /** Bytes as a number or `'64mb'`. Default 64 MiB. */
  readonly maxBytes?: number | `${number}${'kb' | 'mb' | 'gb'}`;
  /** 'copy': every reader gets its own copy. 'freeze': all share one deeply frozen value, the fastest. Default 'copy'. */
  readonly isolation?: 'copy' | 'freeze';
}
