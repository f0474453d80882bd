import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { CacheRegistry } from '../module/registry.js';
import type { CacheControl } from './cache-control.js';
import { planOf } from '../decorators/metadata.js';

/** For queries; for field resolvers too where `GraphQLModule` has `fieldResolverEnhancers: ['interceptors']`. */
@Injectable()
export class HintInterceptor implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() !== 'graphql') return next.handle();
    const plan = planOf(context.getHandler());
    const control = plan?.cacheable === undefined ? undefined : controlOf(context.getArgByIndex(3));
    if (plan === undefined || control === undefined) return next.handle();
    return this.registry.hints.run(plan, control, () => next.handle());
  }
}

function controlOf(info: unknown): CacheControl | undefined {
  const control = (info as { readonly cacheControl?: Partial<CacheControl> } | undefined)
    ?.cacheControl;
  return typeof control?.cacheHint?.restrict === 'function' ? (control as CacheControl) : undefined;
}
