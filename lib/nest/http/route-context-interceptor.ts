import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { handlerMetadataOf } from '../decorators/find-metadata.js';
import { cachesValueOnly, classMetadataOf } from '../decorators/metadata.js';
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
    const { handlerLink } = this.registry;
    const metadata = handlerMetadataOf(context.getClass(), context.getHandler());
    const classMetadata = classMetadataOf(context.getClass());
    const request = context.getArgByIndex<object>(0);
    const name = metadata?.cacheable?.cache ?? classMetadata?.cacheable?.cache ?? 'default';
    const cache = this.registry.find(name);
    if ((metadata ?? classMetadata) !== undefined && cache?.hasTenantResolver === true)
      handlerLink.setTenant(request, cache.key().segment('tenant').build().tenantName);
    if (metadata?.cacheable === undefined || cachesValueOnly(metadata)) return next.handle();
    return handlerLink.run(metadata, request, () => next.handle());
  }
}
