import { concat, defer, from, ignoreElements, isObservable, lastValueFrom, type Observable } from 'rxjs';
import type { CacheService } from '../core/cache-service.js';
import { CacheKey, CacheKeyBuilder, keyFromArguments } from '../core/key.js';
import { SHARED_OPTIONS } from '../core/call-maker.js';
import type { GetOrSetOptions, InvalidateRequest, KeyLike, ProducerContext, SetOptions } from '../core/types.js';
import type { Caches } from './caches.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions } from './decorator-options.js';
import { isRoute, type MethodPlan } from './plan.js';

type Args = readonly unknown[];

export interface MethodCall {
  readonly plan: MethodPlan;
  /** The wrapper, which carries the metadata of decorators applied after ours. */
  readonly method: object;
  readonly instance: unknown;
  readonly args: unknown[];
  readonly original: (this: unknown, ...args: unknown[]) => unknown;
}

/**
 * A decorated method, called. Evictions before it, the cached or plain call, evictions and puts after it.
 *
 * On a route handler `@Cacheable` means the response: the interceptor has answered or will store it, so here the handler just runs.
 */
export function runMethod(call: MethodCall, registry: Caches): unknown {
  const { plan } = call;
  const cached = plan.cacheable !== undefined && !plan.noCache && !isRoute(call.method);
  if (plan.evict.length === 0 && plan.put === undefined) return cached ? runCached(call, registry) : plain(call);
  const run = (): unknown => (cached ? runCached(call, registry) : plain(call));
  if (returnsObservable(call)) return observedWithEffects(call, registry, run);
  return promisedWithEffects(call, registry, run);
}

function plain({ original, instance, args }: MethodCall): unknown {
  return original.apply(instance, args);
}

function runCached(call: MethodCall, registry: Caches): unknown {
  const { plan, args } = call;
  const options = plan.cacheable ?? {};
  const cache = registry.find(options.cache ?? 'default');
  if (cache === undefined) {
    warnOfMissing(registry, plan, options.cache ?? 'default');
    return plain(call);
  }
  const given = guarded(call, registry, 'when or tags', () => {
    if (options.when?.(...args) === false) return undefined;
    return callOptions(plan, options, args);
  });
  if (given === undefined) return plain(call);
  const produce = async (context: ProducerContext): Promise<unknown> => {
    const instance = context.background ? await registry.backgroundInstance(call.instance) : call.instance;
    const result = call.original.apply(instance, args);
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  };
  const answer = (): Promise<unknown> => cache.getOrSet(keyOf(plan, options, args), produce, given);
  return returnsObservable(call) ? defer(answer) : attempt(answer);
}

/** A key that cannot be made is an error of the caller's, and comes as a rejection like any other. */
async function attempt<T>(task: () => Promise<T>): Promise<T> {
  return task();
}

function callOptions(plan: MethodPlan, options: CacheableOptions, args: Args): GetOrSetOptions {
  const { tags, resultTags, unless } = options;
  const shared = { [SHARED_OPTIONS]: entryOptions(plan, options) };
  return {
    ...shared,
    ...(tags === undefined ? undefined : { tags: typeof tags === 'function' ? tags(...args) : tags }),
    ...(resultTags === undefined ? undefined : { resultTags: (result: unknown) => resultTags(result, ...args) }),
    ...(unless === undefined ? undefined : { unless: (result: unknown) => unless(result, ...args) }),
  };
}

const ENTRY_OPTIONS = Symbol('entry options');

/** The options that do not depend on the call, made once: the cache resolves the same object only once. */
function entryOptions(plan: MethodPlan & { [ENTRY_OPTIONS]?: object }, options: CacheableOptions | CachePutOptions): object {
  const known = plan[ENTRY_OPTIONS];
  if (known !== undefined) return known;
  const { ttl, nullTtl, staleWhileRevalidate, staleIfError, staleIfErrorWhen, jitter, refreshAhead, producerTimeout, codec } = options;
  const all = {
    ttl: plan.ttl ?? ttl,
    nullTtl,
    staleWhileRevalidate,
    staleIfError,
    staleIfErrorWhen,
    jitter,
    refreshAhead,
    producerTimeout,
    codec,
  };
  const made = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  plan[ENTRY_OPTIONS] = made;
  return made;
}

/** @throws CacheKeyError (`CACHE_KEY`) naming the argument or part that has no canonical text */
function keyOf(plan: MethodPlan, options: Pick<CacheableOptions, 'key' | 'name'>, args: Args): KeyLike {
  const maker = options.key ?? plan.key;
  if (typeof maker === 'string') return maker;
  if (maker === undefined) return keyFromArguments(options.name ?? `${plan.owner}.${plan.method}`, args);
  const made = maker(CacheKey.builder(), ...args);
  return made instanceof CacheKeyBuilder ? made.build() : made;
}

function returnsObservable({ plan, instance }: MethodCall): boolean {
  const type = Reflect.getMetadata('design:returntype', instance as object, plan.method) as { readonly name?: string } | undefined;
  return type?.name === 'Observable';
}

async function promisedWithEffects(call: MethodCall, registry: Caches, run: () => unknown): Promise<unknown> {
  await before(call, registry);
  const result: unknown = await run();
  await after(call, registry, result);
  return result;
}

function observedWithEffects(call: MethodCall, registry: Caches, run: () => unknown): Observable<unknown> {
  return concat(
    defer(() => before(call, registry)).pipe(ignoreElements()),
    defer(() => {
      const result = run();
      return isObservable(result) ? result : from(Promise.resolve(result));
    }),
    defer(() => after(call, registry, undefined)).pipe(ignoreElements()),
  );
}

async function before(call: MethodCall, registry: Caches): Promise<void> {
  for (const evict of call.plan.evict) if (evict.timing === 'before' || evict.timing === 'both') await runEvict(call, registry, evict);
}

async function after(call: MethodCall, registry: Caches, result: unknown): Promise<void> {
  const { put } = call.plan;
  if (put !== undefined) await runPut(call, registry, put, result);
  for (const evict of call.plan.evict) if (evict.timing !== 'before') await runEvict(call, registry, evict);
}

async function runEvict(call: MethodCall, registry: Caches, evict: CacheEvictOptions): Promise<void> {
  const cache = registry.find(evict.cache ?? 'default');
  if (cache === undefined) {
    warnOfMissing(registry, call.plan, evict.cache ?? 'default');
    return;
  }
  if (guarded(call, registry, 'when', () => evict.when?.(...call.args) !== false) !== true) return;
  const { allEntries = false } = evict;
  const tenant = value(evict.tenant, call.args);
  if (allEntries) {
    await cache.clear(tenant === undefined ? undefined : { tenant });
    return;
  }
  await cache.invalidate(requestOf(call, evict, tenant));
}

function requestOf({ plan, args }: MethodCall, evict: CacheEvictOptions, tenant: string | number | bigint | undefined): InvalidateRequest {
  const keys = [...(value(evict.keys, args) ?? [])];
  const named = evict.key ?? (evict.keys === undefined && evict.tags === undefined && evict.segment === undefined ? plan.key : undefined);
  if (named !== undefined) keys.push(keyOf(plan, typeof named === 'string' ? {} : { key: named }, args));
  const tags = value(evict.tags, args);
  const segment = value(evict.segment, args);
  const { match, mode, settle } = evict;
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

async function runPut(call: MethodCall, registry: Caches, put: CachePutOptions, result: unknown): Promise<void> {
  const { plan, args } = call;
  const cache = registry.find(put.cache ?? 'default');
  if (cache === undefined) {
    warnOfMissing(registry, plan, put.cache ?? 'default');
    return;
  }
  const options = guarded(call, registry, 'when, unless or tags', (): SetOptions | undefined => {
    if (put.when?.(...args) === false || put.unless?.(result, ...args) === true) return undefined;
    const tags = [...(value(put.tags, args) ?? []), ...(put.resultTags?.(result, ...args) ?? [])];
    return { tags, ...entryOptions(plan, put) };
  });
  if (options === undefined) return;
  await setOrDelete(cache, keyOf(plan, put, args), result, options, registry, plan);
}

/** The method has done its work: that its result cannot be kept must not make the call fail. */
async function setOrDelete(
  cache: CacheService,
  key: KeyLike,
  result: unknown,
  options: SetOptions,
  registry: Caches,
  plan: MethodPlan,
): Promise<void> {
  try {
    await cache.set(key, result, options);
  } catch (error) {
    registry.warnOnce(
      `put ${plan.owner}.${plan.method}`,
      `@CachePut of ${plan.owner}.${plan.method} could not keep the result: ${text(error)}`,
    );
  }
}

/** A callback that throws must not fail the call: undefined then, with one warning for the method. */
function guarded<T>({ plan }: MethodCall, registry: Caches, what: string, task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    registry.warnOnce(
      `${what} ${plan.owner}.${plan.method}`,
      `A callback (${what}) of ${plan.owner}.${plan.method} threw; the call goes past the cache: ${text(error)}`,
    );
    return undefined;
  }
}

function value<T>(given: T | ((...args: Args) => T) | undefined, args: Args): T | undefined {
  return typeof given === 'function' ? (given as (...args: Args) => T)(...args) : given;
}

function warnOfMissing(registry: Caches, { owner, method }: MethodPlan, name: string): void {
  const names = registry.caches.map((cache) => `'${cache.name}'`).join(', ');
  registry.warnOnce(
    `missing ${name}`,
    `${owner}.${method} is not cached: there is no cache '${name}' in this application (there is ${names === '' ? 'none' : names}). Import CacheModule.forRoot({ name: '${name}' }).`,
  );
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
