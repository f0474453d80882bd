import type { CacheService } from '../../core/cache.js';
import type { InvalidateRequest, KeyLike } from '../../core/options/types.js';
import { CacheConfigError, CacheKeyError } from '../../ports/errors.js';
import type { CacheEvictOptions, KeyMaker } from '../decorators/options.js';
import { makeKey } from './key.js';
import { type MethodContext, resolveOption } from './method-context.js';

export function isBefore({ timing }: CacheEvictOptions): boolean {
  return timing === 'before' || timing === 'both';
}

/** Does the eviction name what it invalidates, without `@CacheKey`? */
export function namesTarget(options: CacheEvictOptions): boolean {
  const { key, keys, tags, segment, allEntries } = options;
  return (
    key !== undefined ||
    keys !== undefined ||
    tags !== undefined ||
    segment !== undefined ||
    allEntries === true
  );
}

/** Invalidates. Errors reach the caller: in silence the old values would stay. */
export async function evict(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  options: CacheEvictOptions,
): Promise<void> {
  const cache = method.findCache(options.cache);
  if (cache === undefined || !isWanted(method, args, options)) return;
  if (options.allEntries === true) await evictAll(method, args, options, cache);
  else {
    const request = requestOf(method, instance, args, options);
    if (request !== undefined) await cache.invalidate(request);
  }
}

/**
 * Called before the method runs, when nothing has been done yet.
 * @throws CacheKeyError (`CACHE_KEY`) for an eviction whose key can never match an entry
 */
export function assertNamesSegment(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  options: CacheEvictOptions,
): void {
  const maker = keyMakerOf(method, options);
  if (
    typeof maker !== 'function' ||
    options.allEntries === true ||
    method.registry.find(options.cache ?? 'default') === undefined
  )
    return;
  let key: KeyLike;
  try {
    key = keyOf(method, instance, args, maker);
  } catch {
    // Perhaps the method completes its arguments, with an id for instance.
    return;
  }
  assertSegment(method, key);
}

function isWanted(method: MethodContext, args: unknown[], { when }: CacheEvictOptions): boolean {
  // When the callback throws: better to evict once too often than not at all.
  return when === undefined || method.runCallback('when', () => when(...args), true);
}

/** `clear()` alone would mean all tenants; an eviction is about the tenant of the call. */
async function evictAll(
  method: MethodContext,
  args: unknown[],
  options: CacheEvictOptions,
  cache: CacheService,
): Promise<void> {
  const tenant =
    targetOf(method, args, options, 'tenant') ?? cache.key().segment('any').build().tenantName;
  if (tenant === undefined && cache.tenancy === 'required') {
    throw new CacheConfigError(
      `@CacheEvict({ allEntries: true }) on ${method.where} has no tenant, and cache ` +
        `'${cache.name}' has tenancy: 'required'. Name one (tenant: ...); cache.clear() empties ` +
        'the cache for all tenants.',
    );
  }
  await cache.clear(tenant === undefined ? undefined : { tenant });
}

/** Undefined when the lists that were asked for are empty: there is nothing to evict. */
function requestOf(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  options: CacheEvictOptions,
): InvalidateRequest | undefined {
  const { match, mode, settle } = options;
  const listed = listOf<KeyLike>(method, args, options, 'keys');
  const tags = listOf<string>(method, args, options, 'tags');
  const segment = targetOf(method, args, options, 'segment');
  const tenant = targetOf(method, args, options, 'tenant');
  const keys = [...(listed ?? [])];
  const maker = keyMakerOf(method, options);
  if (maker !== undefined) {
    const key = keyOf(method, instance, args, maker);
    assertSegment(method, key);
    keys.push(key);
  }
  const isEmpty = keys.length === 0 && (tags ?? []).length === 0 && segment === undefined;
  // Without the lists only the tenant would be named, which means everything it has.
  if (isEmpty && (listed !== undefined || tags !== undefined)) return undefined;
  return {
    ...(keys.length === 0 ? undefined : { keys }),
    ...(tags === undefined ? undefined : { tags }),
    ...(segment === undefined ? undefined : { segment }),
    ...(tenant === undefined ? undefined : { tenant }),
    ...(match === undefined ? undefined : { match }),
    ...(mode === undefined ? undefined : { mode }),
    ...(settle === undefined ? undefined : { settle }),
  };
}

function keyMakerOf(
  { metadata }: MethodContext,
  options: CacheEvictOptions,
): KeyMaker | string | undefined {
  return options.key ?? (namesTarget(options) ? undefined : metadata.key);
}

/**
 * On a method that is cached or put, `@CacheKey` means the method's own entries. Any other key
 * means entries of another method, which it must name by its segment.
 */
function keyOf(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  maker: KeyMaker | string,
): KeyLike {
  const { key, cacheable, put } = method.metadata;
  const isOwn = maker === key && (cacheable !== undefined || put !== undefined);
  return isOwn ? method.key(args, instance) : makeKey(maker, args, undefined);
}

function assertSegment({ where }: MethodContext, key: KeyLike): void {
  if (typeof key !== 'object' || key.segment !== undefined) return;
  throw new CacheKeyError(
    `The key of @CacheEvict on ${where} names no segment. @Cacheable fills in Class.method where ` +
      'it is missing, but which method is meant here only you know: ' +
      "key.segment('Class.method'), the same as in the key or the name of the cached method. " +
      'A key that has none belongs into keys.',
  );
}

/**
 * What an option means for this call.
 * @throws CacheConfigError (`CACHE_CONFIG`) when its callback returns nothing: left out it would
 * mean more, not less
 */
function targetOf<N extends 'keys' | 'tags' | 'segment' | 'tenant'>(
  { where }: MethodContext,
  args: unknown[],
  options: CacheEvictOptions,
  name: N,
): Exclude<CacheEvictOptions[N], undefined | ((...args: never[]) => unknown)> | undefined {
  type Value = Exclude<CacheEvictOptions[N], undefined | ((...args: never[]) => unknown)>;
  const option = options[name] as Value | ((...args: unknown[]) => Value) | undefined;
  if (option === undefined) return undefined;
  const value = resolveOption(option, args) ?? undefined;
  if (value !== undefined) return value;
  throw new CacheConfigError(
    `${name} of @CacheEvict on ${where} gave nothing for this call. Return what is to be ` +
      'evicted, ' +
      'or give the option when to leave calls out.',
  );
}

function listOf<T>(
  method: MethodContext,
  args: unknown[],
  options: CacheEvictOptions,
  name: 'keys' | 'tags',
): readonly T[] | undefined {
  const value: unknown = targetOf(method, args, options, name);
  if (value === undefined || Array.isArray(value)) return value as readonly T[] | undefined;
  throw new CacheConfigError(
    `${name} of @CacheEvict on ${method.where} must give a list; got a ${typeof value}.`,
  );
}
