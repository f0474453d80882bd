import { cachedCall } from './cached-call.js';
import type { Caches } from './caches.js';
import { observedWithEffects, withEffects } from './effects.js';
import { type MethodCall, plain } from './method-call.js';
import { shapeOf } from './method-shape.js';
import { routeCall } from './route-call.js';

/**
 * A decorated method, called. Evictions before it, the cached or plain call, puts and evictions after it.
 *
 * A route handler that answers a request just runs: `CacheInterceptor` keeps the response, and whether it does is its decision alone. Called in
 * any other way, from code or for another transport, it is cached like every method.
 */
export function runMethod(call: MethodCall, caches: Caches): unknown {
  const { plan } = call;
  const request = caches.routeCalls.take(plan);
  const cached = plan.cacheable !== undefined && !plan.noCache && request === undefined;
  const effects = plan.evict.length > 0 || plan.put !== undefined;
  if (!cached && !effects) return request === undefined ? plain(call) : routeCall(call, caches, request, () => plain(call));
  const shaped = shapeOf(call);
  const run = (): unknown => {
    if (cached && !shaped.running) return cachedCall(call, caches, shaped);
    return request === undefined ? shaped.run() : routeCall(call, caches, request, shaped.run);
  };
  if (!effects) return run();
  const withThem = shaped.shape === 'observable' ? observedWithEffects : withEffects;
  return withThem(call, caches, run, shaped.running);
}
