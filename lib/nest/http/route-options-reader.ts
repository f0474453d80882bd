import { Injectable } from '@nestjs/common';
import { entryPart } from '../decorators/entry-part.js';
import { classPlanOf, isRoute, isValueOfRoute, keyOfPlan, planOf } from '../decorators/metadata.js';
import type { CacheableOptions } from '../decorators/options.js';
import { CacheRegistry } from '../module/registry.js';
import type { RouteCacheOptions } from './options.js';
import type { HttpCacheSource, ResponseCache } from './response-cache.js';
import { type Controller, type Handler, handlerName } from './routes.js';

/** Reads the options of routes from the decorators, for `CacheInterceptor`. */
@Injectable()
export class RouteOptionsReader implements HttpCacheSource {
  constructor(private readonly registry: CacheRegistry) {}

  /**
   * A handler opts in with `@Cacheable`, `@CacheKey` or `@CacheTTL`, itself or through its class;
   * `@NoCache` overrides them. On a handler that evicts or puts, `@CacheKey` and `@CacheTTL` belong
   * to the eviction or put.
   */
  routeOptions(controller: object, handler: object): RouteCacheOptions | undefined {
    const plan = planOf(handler);
    const all = classPlanOf(controller);
    if (!isRoute(handler) || plan?.noCache === true || (plan !== undefined && isValueOfRoute(plan)))
      return undefined;
    const changes = plan !== undefined && (plan.evict.length > 0 || plan.put !== undefined);
    const own =
      plan?.cacheable !== undefined ||
      (!changes && (plan?.key !== undefined || plan?.ttl !== undefined));
    const inherited =
      all !== undefined &&
      all.noCache !== true &&
      (all.cacheable !== undefined || all.ttl !== undefined);
    if (!own && !inherited) return undefined;
    const options: CacheableOptions = { ...all?.cacheable, ...plan?.cacheable };
    const ttl = plan?.ttl ?? plan?.cacheable?.ttl ?? all?.ttl ?? all?.cacheable?.ttl;
    const key = plan === undefined ? undefined : keyOfPlan(plan);
    const { name: className } = controller as { readonly name: string };
    const name = String(handlerName(controller as Controller, handler as Handler));
    const { tags } = options;
    return {
      cache: options.cache ?? 'default',
      segment: options.name ?? `${className}.${name}`,
      http: { ...all?.cacheable?.http, ...plan?.cacheable?.http },
      tenantOf: (request) => this.registry.routeCalls.tenantOf(request),
      directivesOf: (request) => this.registry.routeCalls.resultOf(request),
      ...entryPart({ ...options, ttl }),
      ...(changes && { changes }),
      ...(typeof key === 'string' && !changes && { key }),
      // Tags that are made from arguments are recorded by the decorated handler.
      ...(typeof tags === 'object' && { tags }),
    };
  }

  cache(name: string): ResponseCache | undefined {
    return this.registry.find(name);
  }
}
