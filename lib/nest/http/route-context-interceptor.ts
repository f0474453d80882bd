import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { classPlanOf, isValueOfRoute, planOf } from '../decorators/metadata.js';
import { CacheRegistry } from '../module/registry.js';

/**
 * The innermost global interceptor, inside `CacheInterceptor`: tells the decorated handler that it
 * runs to answer a request, and `CacheInterceptor` which tenant is known here.
 */
@Injectable()
export class RouteContextInterceptor implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const { routeCalls } = this.registry;
    const plan = planOf(context.getHandler());
    const classPlan = classPlanOf(context.getClass());
    const request = context.getArgByIndex<object>(0);
    const name = plan?.cacheable?.cache ?? classPlan?.cacheable?.cache ?? 'default';
    const cache = this.registry.find(name);
    if ((plan ?? classPlan) !== undefined && cache?.hasTenantResolver === true)
      routeCalls.setTenant(request, cache.key().segment('tenant').build().tenantName);
    if (plan?.cacheable === undefined || isValueOfRoute(plan)) return next.handle();
    return routeCalls.run(plan, request, () => next.handle());
  }
}
