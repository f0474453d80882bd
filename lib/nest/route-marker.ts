import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { CacheRegistry } from './cache-registry.js';
import { isValueOfRoute, planOf } from './plan.js';

/** Inside of `CacheInterceptor`: tells the wrapper of a decorated handler that it runs to answer a request. */
@Injectable()
export class RouteMarker implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const plan = planOf(context.getHandler());
    if (plan?.cacheable === undefined || isValueOfRoute(plan) || context.getType() !== 'http') return next.handle();
    return this.registry.routeCalls.run(plan, context.getArgByIndex<object>(0), () => next.handle());
  }
}
