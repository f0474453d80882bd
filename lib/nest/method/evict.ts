import type { CacheService } from '../../core/cache.js';
import type { InvalidateRequest, KeyLike } from '../../core/options/types.js';
import { CacheConfigError, CacheKeyError } from '../../ports/errors.js';
import type { Caches } from '../module/caches.js';
import type { CacheEvictOptions, KeyMaker } from '../decorators/options.js';
import { cacheNamed, fromArguments, guarded, type MethodCall, whereOf } from './method-call.js';
import { methodKey } from './key.js';

export function isBefore({ timing }: CacheEvictOptions): boolean {
  return timing === 'before' || timing === 'both';
}

/** What it throws is the caller's to know: in silence the old values would stay. */
export async function runEvict(
  call: MethodCall,
  caches: Caches,
  evict: CacheEvictOptions,
): Promise<void> {
  const cache = cacheNamed(evict.cache, call.plan, caches);
  if (cache === undefined || !isWanted(call, caches, evict)) return;
  if (evict.allEntries === true) await clear(call, evict, cache);
  else {
    const request = requestOf(call, caches, evict);
    if (request !== undefined) await cache.invalidate(request);
  }
}

/**
 * An eviction after the method that can never find anything is said before it, when nothing has been done yet.
 * @throws CacheKeyError (`CACHE_KEY`)
 */
export function refuseIdle(call: MethodCall, caches: Caches, evict: CacheEvictOptions): void {
  const maker = makerOf(call, evict);
  if (
    typeof maker !== 'function' ||
    evict.allEntries === true ||
    caches.find(evict.cache ?? 'default') === undefined
  )
    return;
  let key: KeyLike;
  try {
    key = keyOf(call, caches, maker);
  } catch {
    // Perhaps it is the method that completes its arguments, with an id for instance.
    return;
  }
  refuseNoSegment(call, key);
}

/** Does the eviction say what it means, without `@CacheKey`? */
export function namesOther({ key, keys, tags, segment, allEntries }: CacheEvictOptions): boolean {
  return (
    key !== undefined ||
    keys !== undefined ||
    tags !== undefined ||
    segment !== undefined ||
    allEntries === true
  );
}

function isWanted(call: MethodCall, caches: Caches, { when }: CacheEvictOptions): boolean {
  // Rather once too often than not at all.
  return when === undefined || guarded(call, caches, 'when', () => when(...call.args), true);
}

/** `clear()` alone would mean all tenants; an eviction is about the tenant that calls. */
async function clear(
  call: MethodCall,
  evict: CacheEvictOptions,
  cache: CacheService,
): Promise<void> {
  const tenant = declared(call, evict, 'tenant') ?? cache.key().segment('any').build().tenantName;
  if (tenant === undefined && cache.tenancy === 'required') {
    throw new CacheConfigError(
      `@CacheEvict({ allEntries: true }) on ${whereOf(call.plan)} has no tenant, and cache '${cache.name}' has tenancy: 'required'. Name one (tenant: ...); cache.clear() empties the cache for all tenants.`,
    );
  }
  await cache.clear(tenant === undefined ? undefined : { tenant });
}

/** Undefined when the lists that were asked for are empty: there is nothing to evict. */
function requestOf(
  call: MethodCall,
  caches: Caches,
  evict: CacheEvictOptions,
): InvalidateRequest | undefined {
  const { match, mode, settle } = evict;
  const listed = list<KeyLike>(call, evict, 'keys');
  const tags = list<string>(call, evict, 'tags');
  const segment = declared(call, evict, 'segment');
  const tenant = declared(call, evict, 'tenant');
  const maker = makerOf(call, evict);
  const keys = [...(listed ?? []), ...(maker === undefined ? [] : [keyOf(call, caches, maker)])];
  if (maker !== undefined) refuseNoSegment(call, keys.at(-1));
  const empty = keys.length === 0 && (tags ?? []).length === 0 && segment === undefined;
  // Without the lists the tenant alone would be named, which means all that it has.
  if (empty && (listed !== undefined || tags !== undefined)) return undefined;
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

function makerOf({ plan }: MethodCall, evict: CacheEvictOptions): KeyMaker | string | undefined {
  return evict.key ?? (namesOther(evict) ? undefined : plan.key);
}

/** A method that is cached or put itself means its own entries by `@CacheKey`; whose entries others mean only they can say. */
function keyOf(
  { plan, args, instance }: MethodCall,
  caches: Caches,
  maker: KeyMaker | string,
): KeyLike {
  const own = maker === plan.key && (plan.cacheable !== undefined || plan.put !== undefined);
  return methodKey(maker, own ? () => caches.derivedKeys(plan, instance).segment : undefined, args);
}

function refuseNoSegment({ plan }: MethodCall, key: KeyLike | undefined): void {
  if (typeof key !== 'object' || key.segment !== undefined) return;
  throw new CacheKeyError(
    `The key of @CacheEvict on ${whereOf(plan)} names no segment. @Cacheable fills in Class.method where it is missing, but which method is meant here only you know: key.segment('Class.method'), the same as in the key or the name of the cached method. A key that has none belongs into keys.`,
  );
}

/**
 * What an option is for this call.
 * @throws CacheConfigError (`CACHE_CONFIG`) when its callback gives nothing: left out it would mean more, not less
 */
function declared<N extends 'keys' | 'tags' | 'segment' | 'tenant'>(
  { plan, args }: MethodCall,
  evict: CacheEvictOptions,
  name: N,
): Exclude<CacheEvictOptions[N], undefined | ((...args: never[]) => unknown)> | undefined {
  type Value = Exclude<CacheEvictOptions[N], undefined | ((...args: never[]) => unknown)>;
  const given = evict[name] as Value | ((...args: unknown[]) => Value) | undefined;
  if (given === undefined) return undefined;
  const value = fromArguments(given, args) ?? undefined;
  if (value !== undefined) return value;
  throw new CacheConfigError(
    `${name} of @CacheEvict on ${whereOf(plan)} gave nothing for this call. Return what is to be evicted, or give the option when to leave calls out.`,
  );
}

function list<T>(
  call: MethodCall,
  evict: CacheEvictOptions,
  name: 'keys' | 'tags',
): readonly T[] | undefined {
  const value: unknown = declared(call, evict, name);
  if (value === undefined || Array.isArray(value)) return value as readonly T[] | undefined;
  throw new CacheConfigError(
    `${name} of @CacheEvict on ${whereOf(call.plan)} must give a list; got a ${typeof value}.`,
  );
}
