import type { Observable } from 'rxjs';
import type { CacheKey, CacheKeyBuilder } from '../../core/key/key.js';
import { ENTRY_OPTIONS } from '../../core/options/options.js';
import type { EntryOptions, InvalidateRequest, KeyLike } from '../../core/options/types.js';
import type { HttpCacheOptions } from '../http/options.js';

/** A method that can be cached: it answers later. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** A method of which nothing is known: what is left of the types once a decorator is applied. */
export type AnyMethod = (...args: unknown[]) => Promise<unknown>;

/** What a method resolves to, or the value of its observable. */
export type ResultOf<M> = M extends (...args: never[]) => infer R
  ? R extends Observable<infer V>
    ? V
    : Awaited<R>
  : never;

/** An instance and not a class: static methods belong to no application. */
type Owner = object & { readonly prototype?: never };

/** Of `any` and `never` (a method that only throws so far) nothing is known, so all is allowed. */
type IsUnknown<T> = 0 extends 1 & T ? true : [T] extends [never] ? true : false;

type WithResult<M> =
  IsUnknown<ResultOf<M>> extends true
    ? unknown
    : [ResultOf<M>] extends [undefined | void]
      ? {
          readonly 'this decorator stores the result of the method, and it has none': never;
        }
      : unknown;

/**
 * Decorates asynchronous methods. TypeScript infers `M` from the method that the decorator is
 * applied to, so the parameters of callbacks need no annotation.
 */
export type AsyncMethodDecorator<M extends AsyncMethod> = (
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** As `AsyncMethodDecorator`, for methods whose result is stored: there must be one. */
export type ResultMethodDecorator<M extends AsyncMethod> = (
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & WithResult<M>,
) => void;

/** The same, also for controllers. Inference looks at the last signature, so the order counts. */
export interface ClassOrResultMethodDecorator<M extends AsyncMethod> {
  (target: abstract new (...args: never[]) => unknown): void;
  (
    target: Owner,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & WithResult<M>,
  ): void;
}

/** Adds metadata to a method without changing it, so that it fits synchronous ones too. */
export type MetadataDecorator = <T>(
  target: Owner,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Makes the key of a call; gets an empty builder and the arguments. What it leaves out is filled
 * in: the tenant by the resolver, and the segment by `Class.method` of the method that is cached or
 * put. An eviction concerns entries of another method, so its key names the segment itself.
 */
export type KeyMaker<M extends AsyncMethod = AnyMethod> = (
  key: CacheKeyBuilder,
  ...args: Parameters<M>
) => CacheKeyBuilder | CacheKey | string;

type FromArguments<M extends AsyncMethod, T> = T | ((...args: Parameters<M>) => T);

interface MethodOptions {
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
  /**
   * For a method that returns an Observable where the decorators cannot see it: without
   * `emitDecoratorMetadata`, or without a return type. Default: what the emitted return type says,
   * else a Promise.
   */
  readonly returns?: 'observable';
}

/**
 * How the result of a method is stored. Callbacks get the arguments and the result of the decorated
 * method, with their types.
 */
interface ResultOptions<M extends AsyncMethod> extends EntryOptions<ResultOf<M>>, MethodOptions {
  /**
   * The segment of derived keys. Default `Class.method`, of the class of the instance, or of the
   * class that declares the method when it is called by `super`; give one that survives renaming
   * and minifying. That of a `@CachePut` is the one of the `@Cacheable` whose entries it replaces.
   * On a controller class it stands for the name of the class.
   */
  readonly name?: string;
  /**
   * What tells the instances of the class apart, where an application has several that are made
   * differently: it is part of every key, as the parameter `instance`. Default: nothing; two such
   * instances are an error at start.
   */
  readonly instanceKey?: (instance: never) => string | number | bigint;
  /**
   * The result does not depend on the arguments that the key leaves out: without a key, on none of
   * them. Default false: a fixed key on a method with parameters, and a key function that takes
   * fewer than the method, are errors at start.
   */
  readonly ignoreArguments?: boolean;
  /** One fixed key, or the key of a call from its arguments; the same as `@CacheKey`. */
  readonly key?: string | KeyMaker<M>;
  /** Known before the method runs. */
  readonly tags?: FromArguments<M, readonly string[]>;
  /** Further tags, from the result. */
  readonly resultTags?: (result: ResultOf<M>, ...args: Parameters<M>) => readonly string[];
  /** The method runs and the cache is left alone when this returns false. Default: never. */
  readonly when?: (...args: Parameters<M>) => boolean;
  /** Not stored when this returns true. Default: always stored. */
  readonly unless?: (result: ResultOf<M>, ...args: Parameters<M>) => boolean;
}

/** Options of `@Cacheable`. */
export interface CacheableOptions<M extends AsyncMethod = AnyMethod> extends ResultOptions<M> {
  /** How responses are cached when the method is a route handler. */
  readonly http?: HttpCacheOptions;
}

/** Options of `@CachePut`. A key is needed, by `key`, `@CacheKey` or `name`. */
export type CachePutOptions<M extends AsyncMethod = AnyMethod> = ResultOptions<M>;

/**
 * What `@CacheEvict` invalidates: at least one of `key`, `keys`, `tags`, `segment`, `tenant` and
 * `allEntries`, or a `@CacheKey` on the same method.
 */
export interface CacheEvictOptions<M extends AsyncMethod = AnyMethod>
  extends Pick<InvalidateRequest, 'match' | 'mode' | 'settle'>, MethodOptions {
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
   * - `'after-success'` (default): when the method has succeeded; its caller goes on when the
   *   invalidation is acknowledged
   * - `'after-commit'`: the same; inside `cache.unitOfWork` every timing waits for its end
   * - `'before'`: before the method runs
   * - `'both'`
   */
  readonly timing?: 'after-success' | 'after-commit' | 'before' | 'both';
  /** Nothing is invalidated when this returns false. */
  readonly when?: (...args: Parameters<M>) => boolean;
}

type EntryOptionName = (typeof ENTRY_OPTIONS)[number];

/** The options of an entry among those of a decorator; the cache's defaults hold for the rest. */
export function pickEntryOptions<T>(options: {
  readonly [K in EntryOptionName]?: EntryOptions<T>[K] | undefined;
}): Pick<EntryOptions<T>, EntryOptionName> {
  return Object.fromEntries(
    ENTRY_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [
      name,
      options[name],
    ]),
  );
}
