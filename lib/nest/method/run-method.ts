import { cachedCall } from './cacheable.js';
import type { Caches } from '../module/caches.js';
import { observedWithEffects, withEffects } from './effects.js';
import { firstCall } from './first-call.js';
import { type MethodCall, plain, type Run } from './method-call.js';
import { type Shape, shapeOf } from './method-shape.js';
import { runRouteHandler } from '../http/route-handler.js';

/**
 * A decorated method, called. Evictions before it, the cached or plain call, puts and evictions after it.
 *
 * A route handler that answers a request just runs: `CacheInterceptor` keeps the response, and whether it does is its decision alone. Called in
 * any other way, from code or for another transport, it is cached like every method.
 */
export function runMethod(call: MethodCall, caches: Caches): unknown {
  const { plan } = call;
  const request = caches.routeCalls.consume(plan);
  const cached = plan.cacheable !== undefined && !plan.noCache && request === undefined;
  const effects = plan.evict.length > 0 || plan.put !== undefined;
  if (!cached && !effects) return alone(call, caches, request, plain);
  const shape = shapeOf(call);
  // The way of nearly every hit: no closure is made for it.
  if (shape !== undefined && !effects) return cachedCall(call, caches, shape, plain);
  const through = throughAll(call, caches, { request, cached, effects });
  return shape === undefined ? firstCall(call, through) : through(shape, plain, false);
}

interface Course {
  readonly request: object | undefined;
  readonly cached: boolean;
  readonly effects: boolean;
}

function throughAll(call: MethodCall, caches: Caches, { request, cached, effects }: Course) {
  return (shape: Shape, run: Run, running: boolean): unknown => {
    const inner = (): unknown =>
      cached ? cachedCall(call, caches, shape, run) : alone(call, caches, request, run);
    if (!effects) return inner();
    return shape === 'observable'
      ? observedWithEffects(call, caches, inner, running)
      : withEffects(call, caches, inner, running);
  };
}

function alone(call: MethodCall, caches: Caches, request: object | undefined, run: Run): unknown {
  return request === undefined ? run(call) : runRouteHandler(call, caches, request, run);
}
