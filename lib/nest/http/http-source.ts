import { Injectable } from '@nestjs/common';
import { CacheRegistry } from '../module/registry.js';
import { type CacheableOptions, pickEntryOptions } from '../decorators/options.js';
import { handlerName } from './handler-name.js';
import type { RouteCacheOptions } from './options.js';
import type { HttpCacheSource, ResponseCache } from './response-cache.js';
import type { Controller, Handler } from './handler-name.js';
import {
  classMetadataOf,
  isRoute,
  cachesValueOnly,
  declaredKey,
  metadataOf,
} from '../decorators/metadata.js';

/** What the decorators of route handlers say, for the interceptor. */
@Injectable()
export class DecoratedRoutes implements HttpCacheSource {
  constructor(private readonly registry: CacheRegistry) {}

  /**
   * A handler opts in with `@Cacheable`, `@CacheKey` or `@CacheTTL`, itself or through its class; `@NoCache` has the last word. The key and the ttl of
   * a handler that evicts or puts are about that.
   */
  optionsOf(controller: object, handler: object): RouteCacheOptions | undefined {
    const plan = metadataOf(handler);
    const all = classMetadataOf(controller);
    if (
      !isRoute(handler) ||
      plan?.noCache === true ||
      (plan !== undefined && cachesValueOnly(plan))
    )
      return undefined;
    const changes = plan !== undefined && (plan.evictions.length > 0 || plan.put !== undefined);
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
    const key = plan === undefined ? undefined : declaredKey(plan);
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
      ...pickEntryOptions({ ...options, ttl }),
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
