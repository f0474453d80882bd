import type { Observable } from 'rxjs';
import type { CacheService } from '../../core/cache.js';
import { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import { tagsFromCallback } from '../../core/groups/groups.js';
import type { GetOrSetOptions, KeyLike, Producer } from '../../core/options/types.js';
import type { Caches } from '../module/caches.js';
import type { CacheableOptions, CachePutOptions, KeyMaker } from '../decorators/options.js';
import { entryPart } from '../decorators/entry-part.js';
import { cachedObservable } from './observable.js';
import { cacheNamed, fromArguments, guarded, type MethodCall, type Run } from './method-call.js';
import { hintedCall } from '../graphql/hinted-call.js';
import type { CacheControl } from '../graphql/cache-control.js';
import { keyArguments } from './key-positions.js';
import { methodKey } from './key.js';
import type { Shape } from './method-shape.js';
import { keyOfPlan, type MethodPlan } from '../decorators/metadata.js';

interface Prepared {
  readonly cache: CacheService;
  readonly key: KeyLike;
  readonly options: GetOrSetOptions;
}

/** A call of a method with `@Cacheable`: through the cache, or past it when its callbacks say so. */
export function cachedCall(call: MethodCall, caches: Caches, shape: Shape, run: Run): unknown {
  if (shape === 'observable') return observed(call, caches, run);
  let prepared: Prepared | undefined;
  try {
    prepared = prepare(call, caches);
  } catch (error) {
    // A key that cannot be made is an error of the caller's, and comes as a rejection like any other.
    return Promise.reject(error);
  }
  if (prepared === undefined) return run(call);
  const control = caches.hints.take(call.plan);
  if (control !== undefined) return hinted(control, call, caches, prepared, run);
  return prepared.cache.getOrSet(prepared.key, producerOf(call, caches, run), prepared.options);
}

function hinted(
  control: CacheControl,
  call: MethodCall,
  caches: Caches,
  prepared: Prepared,
  run: Run,
): unknown {
  const ttl = call.plan.ttl ?? call.plan.cacheable?.ttl;
  return hintedCall(control, {
    ...prepared,
    ttl,
    produce: producerOf(call, caches, run),
    run: () => run(call),
  });
}

function observed(call: MethodCall, caches: Caches, run: Run): Observable<unknown> {
  return cachedObservable(() => {
    const prepared = prepare(call, caches);
    const source = (running: MethodCall): Observable<unknown> =>
      run(running) as Observable<unknown>;
    return {
      source: () => source(call),
      through:
        prepared === undefined
          ? undefined
          : (produce) =>
              prepared.cache.getOrSet(
                prepared.key,
                (context) =>
                  caches.backgroundTenant.run(context, async () =>
                    produce(
                      source(context.background ? await inBackground(call, caches) : call),
                      context.signal,
                    ),
                  ),
                prepared.options,
              ),
    };
  });
}

function producerOf(call: MethodCall, caches: Caches, run: Run): Producer<unknown> {
  return (context) =>
    context.background
      ? caches.backgroundTenant.run(context, async () => run(await inBackground(call, caches)))
      : run(call);
}

/** The call as a refresh that nobody waits for makes it. */
async function inBackground(call: MethodCall, caches: Caches): Promise<MethodCall> {
  return { ...call, instance: await caches.backgroundInstance(call.instance) };
}

/** Undefined: past the cache. @throws CacheKeyError (`CACHE_KEY`) */
function prepare(call: MethodCall, caches: Caches): Prepared | undefined {
  const { plan } = call;
  const { when, cache: name } = plan.cacheable ?? {};
  const cache = cacheNamed(name, plan, caches);
  if (cache === undefined || (when !== undefined && !isWanted(call, caches, when)))
    return undefined;
  const options = (plan as Known)[FIXED_OPTIONS] ?? optionsOf(call, caches);
  return options === undefined ? undefined : { cache, key: keyOfCall(call, caches), options };
}

function isWanted(
  call: MethodCall,
  caches: Caches,
  when: NonNullable<CacheableOptions['when']>,
): boolean {
  const wanted: unknown = guarded(call, caches, 'when', () => when(...call.args), false);
  return wanted !== false;
}

/** Undefined when the tags cannot be made. */
function optionsOf(call: MethodCall, caches: Caches): GetOrSetOptions | undefined {
  const { plan, args } = call;
  const options = plan.cacheable ?? {};
  if (typeof options.tags !== 'function') return callOptions(plan, options, args);
  return guarded(call, caches, 'tags', () => callOptions(plan, options, args), undefined);
}

/** @throws CacheKeyError (`CACHE_KEY`) */
export function keyOfCall(call: MethodCall, caches: Caches): KeyLike {
  const { plan, args, instance } = call;
  const maker = keyOfPlan(plan);
  if (maker !== undefined) return madeKey(maker, call, caches);
  return caches.derivedKeys(plan, instance).of(keyArguments(plan, instance, args));
}

function madeKey(
  maker: KeyMaker | string,
  { plan, args, instance }: MethodCall,
  caches: Caches,
): KeyLike {
  return methodKey(maker, () => caches.derivedKeys(plan, instance).segment, args);
}

const ENTRY_OPTIONS = Symbol('entry options');
const FIXED_OPTIONS = Symbol('options that no argument changes');

interface Known {
  [ENTRY_OPTIONS]?: object;
  [FIXED_OPTIONS]?: GetOrSetOptions;
}

/** The same object for all calls where it can be, and no spreading where it cannot. */
function callOptions(
  plan: MethodPlan & Known,
  options: CacheableOptions,
  args: unknown[],
): GetOrSetOptions {
  const { tags, resultTags, unless } = options;
  const fixed = typeof tags !== 'function' && resultTags === undefined && unless === undefined;
  const made: { -readonly [Name in keyof GetOrSetOptions]: GetOrSetOptions[Name] } & {
    [STATIC_OPTIONS]: object;
  } = {
    [STATIC_OPTIONS]: entryOptions(plan, options),
  };
  if (tags !== undefined) made.tags = tagsFromCallback(fromArguments(tags, args));
  if (resultTags !== undefined) made.resultTags = (result) => resultTags(result, ...args);
  if (unless !== undefined) made.unless = (result) => unless(result, ...args);
  if (fixed) plan[FIXED_OPTIONS] = made;
  return made;
}

/** The options that do not depend on the call, made once: the cache resolves the same object only once. */
export function entryOptions(
  plan: MethodPlan & Known,
  options: CacheableOptions | CachePutOptions,
): object {
  const known = plan[ENTRY_OPTIONS];
  if (known !== undefined) return known;
  const made = entryPart({ ...options, ttl: plan.ttl ?? options.ttl });
  plan[ENTRY_OPTIONS] = made;
  return made;
}
