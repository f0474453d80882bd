import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { CacheRegistry } from '../module/registry.js';
import { classMetadataOf, cachesValueOnly, metadataOf } from '../decorators/metadata.js';

/**
 * Inside of `CacheInterceptor` and of all other global interceptors: tells the wrapper of a decorated handler that it runs to answer a request, and the
 * interceptor which tenant is known here.
 */
@Injectable()
export class RouteMarker implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const plan = metadataOf(context.getHandler());
    const all = classMetadataOf(context.getClass());
    const request = context.getArgByIndex<object>(0);
    const cache = this.registry.find(plan?.cacheable?.cache ?? all?.cacheable?.cache ?? 'default');
    if ((plan ?? all) !== undefined && cache?.hasTenantResolver === true) {
      this.registry.routeCalls.sayTenant(request, cache.key().segment('tenant').build().tenantName);
    }
    if (plan?.cacheable === undefined || cachesValueOnly(plan)) return next.handle();
    return this.registry.routeCalls.run(plan, request, () => next.handle());
  }
}
