import { isObservable, throwError } from 'rxjs';
import { describeType } from '../../core/key/percent-encoding.js';
import { CacheDecoratorError } from '../../ports/errors.js';
import { transportOf } from '../checks/transports.js';
import { cachesValueOnly, isRoute, type MethodMetadata } from '../decorators/metadata.js';
import { awaitInvalidations } from '../events/command-interceptor.js';
import { runRouteHandler } from '../http/route-handler.js';
import type { CacheRegistry, Run } from '../module/registry.js';
import { cachedMethod, cachedPromise, cachedResolver } from './cacheable.js';
import { methodOf } from './key.js';
import { MethodContext } from './method-context.js';
import { cachedObservable } from './observable.js';
import type { HostClass } from './segments.js';
import { withObservedSideEffects, withSideEffects } from './side-effects.js';

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * How a decorated method runs in one application on instances of one class: evictions before it,
 * the cached or plain call, puts and evictions after it. Everything that does not depend on the
 * call is decided here, once; it is decided again while the application has no such cache.
 */
export function compiledMethod(
  registry: CacheRegistry,
  metadata: MethodMetadata,
  original: Method,
  host: HostClass,
): Run {
  let byClass = registry.compiled.get(metadata);
  const known = byClass?.get(host);
  if (known !== undefined) return known;
  const method = new MethodContext(metadata, host, registry);
  const { cacheable, noCache } = metadata;
  const isCached = cacheable !== undefined && !noCache;
  const hasCache = !isCached || method.findCache(cacheable.cache) !== undefined;
  let run: Run;
  try {
    run = compile(method, original, isCached && hasCache);
  } catch (error) {
    return metadata.returnsObservable ? () => throwError(() => error) : () => Promise.reject(error);
  }
  if (!hasCache) return run;
  byClass ??= new Map();
  byClass.set(host, run);
  registry.compiled.set(metadata, byClass);
  return run;
}

function compile(method: MethodContext, original: Method, isCached: boolean): Run {
  const { metadata, registry } = method;
  const plain: Run = (instance, args) => original.apply(instance, args);
  const hasSideEffects = metadata.evictions.length > 0 || metadata.put !== undefined;
  const checked = isCached || hasSideEffects ? checkedRun(method, original, plain) : plain;
  const around = !hasSideEffects
    ? (run: Run): Run => run
    : metadata.returnsObservable
      ? (run: Run): Run => withObservedSideEffects(method, run)
      : (run: Run): Run => withSideEffects(method, run);
  let run = around(isCached ? throughCache(method, checked) : checked);
  if (isCached && answersRequests(method)) run = asRouteHandler(method, around, plain, run);
  if (metadata.awaitsInvalidations !== true) return run;
  const inner = run;
  return (instance, args) => awaitInvalidations(registry.caches, () => inner(instance, args));
}

function throughCache(method: MethodContext, run: Run): Run {
  const { metadata, host } = method;
  const cache = method.findCache(metadata.cacheable?.cache);
  if (cache === undefined) return run;
  const cached = cachedMethod(method, cache, run);
  if (metadata.returnsObservable) return cachedObservable(cached);
  const current = methodOf(host, metadata.name);
  const transport = current === undefined ? undefined : transportOf(current, host, metadata.method);
  return transport === 'query' || transport === 'field'
    ? cachedResolver(cached)
    : cachedPromise(cached);
}

/** May the method be called by Nest to answer a request whose response is cached? */
function answersRequests({ metadata, host }: MethodContext): boolean {
  const current = methodOf(host, metadata.name);
  return current !== undefined && isRoute(current) && !cachesValueOnly(metadata);
}

/**
 * A route handler that answers a request just runs: `CacheInterceptor` caches the response, and
 * only it decides whether to. Called in any other way it is cached like every method.
 */
function asRouteHandler(
  method: MethodContext,
  around: (run: Run) => Run,
  plain: Run,
  otherwise: Run,
): Run {
  const { metadata, registry } = method;
  return (instance, args) => {
    const request = registry.handlerLink.consume(metadata);
    if (request === undefined) return otherwise(instance, args);
    return around((on, given) => runRouteHandler(method, on, given, request, plain))(
      instance,
      args,
    );
  };
}

/** The method itself, whose result must be of the kind that its callers are given. */
function checkedRun(method: MethodContext, original: Method, plain: Run): Run {
  const { returnsObservable } = method.metadata;
  if (!returnsObservable && isAsyncFunction(original)) return plain;
  return (instance, args) => {
    const result = plain(instance, args);
    if (returnsObservable ? isObservable(result) : isThenable(result)) return result;
    const error = wrongKind(method, result);
    return returnsObservable ? throwError(() => error) : Promise.reject(error);
  };
}

function wrongKind({ metadata, where }: MethodContext, result: unknown): CacheDecoratorError {
  const type = result === undefined ? 'nothing' : describeType(result);
  if (metadata.returnsObservable) {
    return new CacheDecoratorError(
      `${where} returned ${type} where its decorator needs an Observable, because of its return ` +
        "type or of the option returns: 'observable'. Return an Observable, or leave the option " +
        'out.',
    );
  }
  if (isObservable(result)) {
    const { cacheable, put } = metadata;
    const decorator =
      cacheable !== undefined ? '@Cacheable' : put !== undefined ? '@CachePut' : '@CacheEvict';
    return new CacheDecoratorError(
      `${where} returned an Observable, which could not be seen before it was called. Give the ` +
        `option: ${decorator}({ returns: 'observable' }), or the return type Observable with ` +
        '"emitDecoratorMetadata": true in tsconfig.json.',
    );
  }
  return new CacheDecoratorError(
    `${where} returned ${type} where its decorator needs a Promise or an Observable: an answer ` +
      'from a cache comes later. Make the method async.',
  );
}

function isAsyncFunction(method: Method): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]';
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
