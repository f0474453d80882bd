import type { CacheKey, CacheKeyBuilder } from '../../core/key/key.js';
import type { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import type { CodecChoice, RefreshAhead } from '../../core/options/types.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Duration } from '../../ports/duration.js';
import type { RouteCacheOptions } from './options.js';

/** How a call of the cache was answered. */
export type Outcome = 'hit' | 'stale' | 'fallback' | 'miss' | 'joined' | 'error' | 'bypass';

export interface Detailed<T> {
  readonly value: T;
  readonly outcome: Outcome;
  /** Shared time in milliseconds; undefined for what is not stored. */
  readonly createdAt: number | undefined;
  readonly freshUntil: number | undefined;
}

export interface FillContext {
  readonly stale: unknown;
  /** Nobody waits for this run: it refreshes what is stale. */
  readonly background: boolean;
  /** The tenant of the key. */
  readonly tenant: string | undefined;
  setTtl(ttl: Duration): void;
  setWindows(windows: {
    readonly staleWhileRevalidate: Duration;
    readonly staleIfError: Duration;
  }): void;
  addTags(...tags: string[]): void;
  skip(): void;
}

export interface FillOptions {
  readonly ttl?: Duration;
  readonly staleWhileRevalidate?: Duration;
  readonly staleIfError?: Duration;
  readonly tags?: readonly string[];
  readonly staleIfErrorWhen?: (error: unknown) => boolean;
  readonly jitter?: number;
  readonly refreshAhead?: RefreshAhead;
  readonly producerTimeout?: { readonly soft?: Duration; readonly hard?: Duration };
  readonly codec?: CodecChoice;
  /** What is the same from request to request: the cache resolves it once. */
  readonly [STATIC_OPTIONS]?: FillOptions;
}

/** What the interceptor needs of a cache. */
export interface ResponseCache {
  readonly clock: Clock;
  /** What the options of the cache say, for routes that say nothing. Default: a ttl of 30 s and no stale windows. */
  readonly defaults?: Pick<RouteCacheOptions, 'ttl' | 'staleWhileRevalidate' | 'staleIfError'> & {
    readonly nullTtl?: Duration | undefined;
    readonly codec?: Codec;
  };
  readonly hasTenantResolver?: boolean;
  readonly tenancy?: 'optional' | 'required';
  /** A builder with the tenant of the resolver. */
  key?(): CacheKeyBuilder;
  /** What is fresh and in memory, at once. */
  peekMemory<T>(key: CacheKey | string, options?: FillOptions): Detailed<T> | undefined;
  getOrSetDetailed<T>(
    key: CacheKey | string,
    producer: (context: FillContext) => Promise<T>,
    options?: FillOptions,
  ): Promise<Detailed<T>>;
  get(key: CacheKey | string, options?: Pick<FillOptions, 'codec'>): Promise<unknown>;
  set(key: CacheKey | string, value: unknown, options?: FillOptions): Promise<unknown>;
  delete(key: CacheKey | string): Promise<unknown>;
  invalidate(request: { readonly tags: readonly string[] }): Promise<unknown>;
}

/** Where the interceptor finds the caches of its application and what the decorators say. */
export interface HttpCacheSource {
  /** Undefined: the route did not opt in. */
  optionsOf(controller: object, handler: object): RouteCacheOptions | undefined;
  /** Undefined: there is no such cache (any more). */
  cacheOf(name: string): ResponseCache | undefined;
}

export const HTTP_CACHE_SOURCE = Symbol('nest-query-cache:http-source');
