import { Injectable } from '@nestjs/common';
import { CacheRegistry } from '../module/registry.js';
import type { CacheableOptions } from '../decorators/options.js';
import { entryPart } from '../decorators/entry-part.js';
import { handlerName } from './handler-name.js';
import type { RouteCacheOptions } from './options.js';
import type { HttpCacheSource, ResponseCache } from './response-cache.js';
import type { Controller, Handler } from './handler-name.js';
import { classPlanOf, isRoute, isValueOfRoute, keyOfPlan, planOf } from '../decorators/metadata.js';

/** What the decorators of route handlers say, for the interceptor. */
@Injectable()
export class DecoratedRoutes implements HttpCacheSource {
  constructor(private readonly registry: CacheRegistry) {}

  /**
   * A handler opts in with `@Cacheable`, `@CacheKey` or `@CacheTTL`, itself or through its class; `@NoCache` has the last word. The key and the ttl of
   * a handler that evicts or puts are about that.
   */
  optionsOf(controller: object, handler: object): RouteCacheOptions | undefined {
    const plan = planOf(handler);
    const all = classPlanOf(controller);
    if (!isRoute(handler) || plan?.noCache === true || (plan !== undefined && isValueOfRoute(plan)))
      return undefined;
    const changes = plan !== undefined && (plan.evict.length > 0 || plan.put !== undefined);
    const own =
      plan?.cacheable !== undefined ||
      (!changes && (plan?.key !== undefined || plan?.ttl !== undefined));
    if (
      !own &&
      (all === undefined ||
        all.noCache === true ||
        (all.cacheable === undefined && all.ttl === undefined))
    )
      return undefined;
    const options: CacheableOptions = { ...all?.cacheable, ...plan?.cacheable };
    const http = { ...all?.cacheable?.http, ...plan?.cacheable?.http };
    const ttl = plan?.ttl ?? plan?.cacheable?.ttl ?? all?.ttl ?? all?.cacheable?.ttl;
    const key = plan === undefined ? undefined : keyOfPlan(plan);
    const { name: className } = controller as { readonly name: string };
    const { tags } = options;
    return {
      cache: options.cache ?? 'default',
      segment:
        options.name ??
        `${className}.${String(handlerName(controller as Controller, handler as Handler))}`,
      http,
      tenantOf: (request) => this.registry.routeCalls.tenantOf(request),
      saidOf: (request) => this.registry.routeCalls.saidOf(request),
      ...entryPart({ ...options, ttl }),
      ...(changes && { changes }),
      ...(typeof key === 'string' && !changes && { key }),
      // Those made from arguments are told by the wrapper of the handler.
      ...(typeof tags === 'object' && { tags }),
    };
  }

  cacheOf(name: string): ResponseCache | undefined {
    return this.registry.find(name);
  }
}
