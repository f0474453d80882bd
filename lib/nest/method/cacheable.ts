import type { CacheService } from '../../core/cache.js';
import { tagsFromCallback } from '../../core/groups/groups.js';
import { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import type { GetOrSetOptions, KeyLike, ProducerContext } from '../../core/options/types.js';
import type { MethodMetadata } from '../decorators/metadata.js';
import {
  type CacheableOptions,
  type CachePutOptions,
  pickEntryOptions,
} from '../decorators/options.js';
import { getOrSetWithHints } from '../graphql/cache-control.js';
import type { Run } from '../module/registry.js';
import { type MethodContext, resolveOption } from './method-context.js';

/** What decides about a call of a method with `@Cacheable`. */
export interface CachedMethod {
  readonly method: MethodContext;
  readonly cache: CacheService;
  readonly run: Run;
  /** The options of a call; undefined when it goes past the cache. */
  readonly options: (args: unknown[]) => GetOrSetOptions | undefined;
}

/** @param run the method itself */
export function cachedMethod(method: MethodContext, cache: CacheService, run: Run): CachedMethod {
  return { method, cache, run, options: optionsFunction(method) };
}

/** A method that returns a Promise, through the cache. */
export function cachedPromise({ method, cache, run, options }: CachedMethod): Run {
  const { key } = method;
  return (instance, args) => {
    const callOptions = options(args);
    if (callOptions === undefined) return run(instance, args);
    let callKey: KeyLike;
    try {
      callKey = key(args, instance);
    } catch (error) {
      // A key that cannot be made is the caller's error; it arrives as a rejection like any other.
      return Promise.reject(error);
    }
    return cache.getOrSet(
      callKey,
      (context) =>
        context.background
          ? runInBackground(method, context, instance, (fresh) => run(fresh, args))
          : run(instance, args),
      callOptions,
    );
  };
}

/** As `cachedPromise`, for the resolver of a GraphQL field, which may have cache hints. */
export function cachedResolver(cached: CachedMethod): Run {
  const { method, cache, run, options } = cached;
  const { key, metadata, registry } = method;
  const withoutHints = cachedPromise(cached);
  return (instance, args) => {
    const control = registry.hints.take(metadata);
    if (control === undefined) return withoutHints(instance, args);
    const callOptions = options(args);
    if (callOptions === undefined) return run(instance, args);
    let callKey: KeyLike;
    try {
      callKey = key(args, instance);
    } catch (error) {
      return Promise.reject(error);
    }
    return getOrSetWithHints(control, {
      cache,
      key: callKey,
      options: callOptions,
      ttl: metadata.ttl ?? metadata.cacheable?.ttl,
      produce: (context) =>
        context.background
          ? runInBackground(method, context, instance, (fresh) => run(fresh, args))
          : run(instance, args),
      run: () => run(instance, args),
    });
  };
}

/** Runs a background refresh, in the tenant of its entry and on an instance of no request. */
export function runInBackground<T>(
  { registry }: MethodContext,
  context: ProducerContext,
  instance: unknown,
  task: (instance: unknown) => T | Promise<T>,
): Promise<T> {
  return registry.backgroundTenant.run(context, async () =>
    task(await registry.backgroundInstance(instance)),
  );
}

type CallOptions = { -readonly [Name in keyof GetOrSetOptions]: GetOrSetOptions[Name] } & {
  // The cache resolves this part only once, because it is the same object for all calls.
  readonly [STATIC_OPTIONS]: object;
};

function optionsFunction(method: MethodContext): CachedMethod['options'] {
  const { metadata } = method;
  const { when, tags, resultTags, unless } = metadata.cacheable ?? {};
  const entryOptions = entryOptionsOf(metadata, metadata.cacheable ?? {});
  // Built without spreading: this may be done on each call.
  const build = (args: unknown[]): GetOrSetOptions => {
    const options: CallOptions = { [STATIC_OPTIONS]: entryOptions };
    if (tags !== undefined) options.tags = tagsFromCallback(resolveOption(tags, args));
    if (resultTags !== undefined) options.resultTags = (result) => resultTags(result, ...args);
    if (unless !== undefined) options.unless = (result) => unless(result, ...args);
    return options;
  };
  const options =
    typeof tags === 'function'
      ? (args: unknown[]) => method.runCallback('tags', () => build(args), undefined)
      : resultTags === undefined && unless === undefined
        ? always(build([]))
        : build;
  if (when === undefined) return options;
  const isWanted = (args: unknown[]): boolean =>
    method.runCallback('when', () => when(...args) as unknown, false) !== false;
  return (args) => (isWanted(args) ? options(args) : undefined);
}

function always<T>(value: T): () => T {
  return () => value;
}

/** What the decorators declare of an entry. */
export function entryOptionsOf(
  metadata: MethodMetadata,
  options: CacheableOptions | CachePutOptions,
): ReturnType<typeof pickEntryOptions> {
  return pickEntryOptions({ ...options, ttl: metadata.ttl ?? options.ttl });
}
