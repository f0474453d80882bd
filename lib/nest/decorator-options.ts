import type { CacheKey, CacheKeyBuilder } from '../core/key.js';
import type { EntryOptions, InvalidateRequest, KeyLike } from '../core/types.js';
import type { Duration } from '../ports/duration.js';
import type { HttpCacheOptions } from './http/http-options.js';

/** Makes the key of a call; gets an empty builder and the arguments. A tenant that is not set is the resolver's. */
export type KeyMaker<Args extends readonly unknown[]> = (key: CacheKeyBuilder, ...args: Args) => CacheKeyBuilder | CacheKey | string;

/** Callbacks get the arguments and the result of the decorated method; annotate their parameters. */
export interface CacheableOptions<Args extends readonly unknown[] = readonly unknown[], Result = unknown> extends EntryOptions<Result> {
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
  /** The segment of derived keys. Default `Class.method`; give one that survives renaming and minifying. */
  readonly name?: string;
  readonly key?: KeyMaker<Args>;
  /** Known before the method runs. */
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[]);
  /** Further tags, from the result. */
  readonly resultTags?: (result: Result, ...args: Args) => readonly string[];
  /** The method simply runs when this returns false. Default: always cached. */
  readonly when?: (...args: Args) => boolean;
  /** Not stored when this returns true. Default: always stored. */
  readonly unless?: (result: Result, ...args: Args) => boolean;
  /** How responses are cached when the method is a route handler. */
  readonly http?: HttpCacheOptions;
}

export interface CachePutOptions<Args extends readonly unknown[] = readonly unknown[], Result = unknown> extends EntryOptions<Result> {
  readonly cache?: string;
  /** The segment of derived keys. Default `Class.method`. */
  readonly name?: string;
  readonly key?: KeyMaker<Args>;
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[]);
  readonly resultTags?: (result: Result, ...args: Args) => readonly string[];
  readonly when?: (...args: Args) => boolean;
  readonly unless?: (result: Result, ...args: Args) => boolean;
}

type FromArguments<Args extends readonly unknown[], T> = T | ((...args: Args) => T);

export interface CacheEvictOptions<Args extends readonly unknown[] = readonly unknown[]> extends Pick<
  InvalidateRequest,
  'match' | 'mode' | 'settle'
> {
  readonly cache?: string;
  /** One key, made as by `@CacheKey`. */
  readonly key?: KeyMaker<Args>;
  readonly keys?: FromArguments<Args, readonly KeyLike[]>;
  readonly tags?: FromArguments<Args, readonly string[]>;
  readonly segment?: FromArguments<Args, string>;
  readonly tenant?: FromArguments<Args, string | number | bigint>;
  /** Everything of the tenant, when one is named or resolved; else everything in the cache. */
  readonly allEntries?: boolean;
  /**
   * - `'after-success'` (default): when the method has resolved; its caller goes on when the invalidation is acknowledged
   * - `'before'`: before the method runs
   * - `'both'`
   */
  readonly timing?: 'after-success' | 'before' | 'both';
  readonly when?: (...args: Args) => boolean;
}

export type CacheTtl = Duration;
