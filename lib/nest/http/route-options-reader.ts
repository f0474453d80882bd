import { Injectable } from '@nestjs/common';
import { handlerMetadataOf } from '../decorators/find-metadata.js';
import { cachesValueOnly, classMetadataOf, declaredKey, isRoute } from '../decorators/metadata.js';
import { type CacheableOptions, pickEntryOptions } from '../decorators/options.js';
import { classSegment } from '../method/segments.js';
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
    const metadata = handlerMetadataOf(controller as Controller, handler);
    const all = classMetadataOf(controller);
    if (
      !isRoute(handler) ||
      metadata?.noCache === true ||
      (metadata !== undefined && cachesValueOnly(metadata))
    )
      return undefined;
    const changes =
      metadata !== undefined && (metadata.evictions.length > 0 || metadata.put !== undefined);
    const own =
      metadata?.cacheable !== undefined ||
      (!changes && (metadata?.key !== undefined || metadata?.ttl !== undefined));
    const inherited =
      all !== undefined &&
      all.noCache !== true &&
      (all.cacheable !== undefined || all.ttl !== undefined);
    if (!own && !inherited) return undefined;
    const options: CacheableOptions = { ...all?.cacheable, ...metadata?.cacheable };
    const ttl = metadata?.ttl ?? metadata?.cacheable?.ttl ?? all?.ttl ?? all?.cacheable?.ttl;
    const key = metadata === undefined ? undefined : declaredKey(metadata);
    const name = String(handlerName(controller as Controller, handler as Handler));
    const { tags } = options;
    return {
      cache: options.cache ?? 'default',
      segment: metadata?.cacheable?.name ?? classSegment(controller as Controller, name),
      http: { ...all?.cacheable?.http, ...metadata?.cacheable?.http },
      tenantOf: (request) => this.registry.handlerLink.tenantOf(request),
      directivesOf: (request) => this.registry.handlerLink.resultOf(request),
      ...pickEntryOptions({ ...options, ttl }),
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
