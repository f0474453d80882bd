import type { CacheService } from '../../core/cache.js';
import type { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import type { GetOrSetOptions, KeyLike } from '../../core/options/types.js';
import type { GetOrSetResult } from '../../core/read/get-or-set-result.js';
import type { Duration } from '../../ports/duration.js';
import type { RouteCacheOptions } from './options.js';

/** Options of an entry as the interceptor passes them: nothing is a function of the value. */
export interface ResponseEntryOptions extends Pick<
  GetOrSetOptions,
  | 'staleWhileRevalidate'
  | 'staleIfError'
  | 'staleIfErrorWhen'
  | 'jitter'
  | 'refreshAhead'
  | 'producerTimeout'
  | 'codec'
> {
  readonly ttl?: Duration;
  readonly tags?: readonly string[];
  /** The part that is the same for every request, which the cache resolves once. */
  readonly [STATIC_OPTIONS]?: ResponseEntryOptions;
}

/** The part of a cache that the interceptor uses. */
export type ResponseCache = Pick<
  CacheService,
  | 'clock'
  | 'defaults'
  | 'hasTenantResolver'
  | 'tenancy'
  | 'key'
  | 'getOrSetDetailed'
  | 'get'
  | 'set'
  | 'delete'
  | 'invalidate'
> & {
  /** A fresh value that is in memory, synchronously. */
  peekMemory<T>(key: KeyLike, options?: GetOrSetOptions<T>): GetOrSetResult<T> | undefined;
};

/** Gives the interceptor the options of routes and the caches of the application. */
export interface HttpCacheSource {
  /** Undefined when the route did not opt in. */
  routeOptions(controller: object, handler: object): RouteCacheOptions | undefined;
  /** Undefined when there is no such cache, or no longer. */
  cache(name: string): ResponseCache | undefined;
}

export const HTTP_CACHE_SOURCE = Symbol('nest-query-cache:http-source');
