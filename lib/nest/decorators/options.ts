import type { CacheKey, CacheKeyBuilder } from '../../core/key/key.js';
import type { EntryOptions, InvalidateRequest, KeyLike } from '../../core/options/types.js';
import type { HttpCacheOptions } from '../http/options.js';
import type { AnyMethod, AsyncMethod, ResultOf } from './method-types.js';

/**
 * Makes the key of a call; gets an empty builder and the arguments. What it leaves out is filled in: the tenant by the resolver, and the segment by
 * `Class.method` of the method that is cached or put. An eviction means entries of another method: its key names the segment itself.
 */
export type KeyMaker<M extends AsyncMethod = AnyMethod> = (
  key: CacheKeyBuilder,
  ...args: Parameters<M>
) => CacheKeyBuilder | CacheKey | string;

type FromArguments<M extends AsyncMethod, T> = T | ((...args: Parameters<M>) => T);

/** Callbacks get the arguments and the result of the decorated method, with their types. */
export interface CacheableOptions<M extends AsyncMethod = AnyMethod> extends EntryOptions<
  ResultOf<M>
> {
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
  /** The segment of derived keys. Default `Class.method`, of the class of the instance; give one that survives renaming and minifying. */
  readonly name?: string;
  /** One fixed key, or the key of a call from its arguments; the same as `@CacheKey`. */
  readonly key?: string | KeyMaker<M>;
  /** Known before the method runs. */
  readonly tags?: FromArguments<M, readonly string[]>;
  /** Further tags, from the result. */
  readonly resultTags?: (result: ResultOf<M>, ...args: Parameters<M>) => readonly string[];
  /** The method simply runs when this returns false. Default: always cached. */
  readonly when?: (...args: Parameters<M>) => boolean;
  /** Not stored when this returns true. Default: always stored. */
  readonly unless?: (result: ResultOf<M>, ...args: Parameters<M>) => boolean;
  /** How responses are cached when the method is a route handler. */
  readonly http?: HttpCacheOptions;
}

/** A key is needed, by `key`, `@CacheKey` or `name`. */
export interface CachePutOptions<M extends AsyncMethod = AnyMethod> extends EntryOptions<
  ResultOf<M>
> {
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
  /** The segment of derived keys: the same as that of the `@Cacheable` whose entries are replaced. */
  readonly name?: string;
  /** One fixed key, or the key of a call from its arguments; the same as `@CacheKey`. */
  readonly key?: string | KeyMaker<M>;
  /** Known before the method runs. */
  readonly tags?: FromArguments<M, readonly string[]>;
  /** Further tags, from the result. */
  readonly resultTags?: (result: ResultOf<M>, ...args: Parameters<M>) => readonly string[];
  /** Nothing is stored when this returns false. Default: always stored. */
  readonly when?: (...args: Parameters<M>) => boolean;
  /** Not stored when this returns true. Default: always stored. */
  readonly unless?: (result: ResultOf<M>, ...args: Parameters<M>) => boolean;
}

/** What is invalidated: at least one of `key`, `keys`, `tags`, `segment`, `tenant`, `allEntries`, or a `@CacheKey` on the same method. */
export interface CacheEvictOptions<M extends AsyncMethod = AnyMethod> extends Pick<
  InvalidateRequest,
  'match' | 'mode' | 'settle'
> {
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
  /** One key, fixed or made from the arguments; it names its segment. */
  readonly key?: string | KeyMaker<M>;
  /** An empty list, as one of tags, evicts nothing. */
  readonly keys?: FromArguments<M, readonly KeyLike[]>;
  readonly tags?: FromArguments<M, readonly string[]>;
  readonly segment?: FromArguments<M, string>;
  /** Alone: everything of the tenant. Default: the tenant that the resolver gives. */
  readonly tenant?: FromArguments<M, string | number | bigint>;
  /** Everything of the tenant; everything in the cache where there is none. */
  readonly allEntries?: boolean;
  /**
   * - `'after-success'` (default): when the method has succeeded; its caller goes on when the invalidation is acknowledged
   * - `'after-commit'`: the same; inside `cache.unitOfWork` every timing waits for its end
   * - `'before'`: before the method runs
   * - `'both'`
   */
  readonly timing?: 'after-success' | 'after-commit' | 'before' | 'both';
  /** Nothing is invalidated when this returns false. */
  readonly when?: (...args: Parameters<M>) => boolean;
}
