import type { ModulesContainer } from '@nestjs/core';
import { routeKey, uriTag } from './cache-key.js';
import { compilePath, mayMatch, type PathPattern } from './path-pattern.js';
import type { Exchange } from './request.js';
import type { ResponseCache } from './response-cache.js';
import { patternsOf, type RouteConfig } from './route.js';
import { CACHED_METHODS, type Controller, type Handler, routesOf, routingRules } from './routes.js';

interface CachedRoute {
  readonly route: RouteConfig;
  readonly paths: readonly PathPattern[];
}

interface CollectedRoutes {
  readonly routes: readonly CachedRoute[];
  readonly maxPrefixSegments: number;
}

/** The routes of an application whose responses are stored. */
export class CachedRoutes {
  #collected: CollectedRoutes | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly configOf: (
      controller: Controller,
      handler: Handler,
    ) => RouteConfig | undefined,
  ) {}

  /** The routes that may answer GET at the URI of a request with an unsafe method. */
  matching({ request }: Exchange): readonly RouteConfig[] {
    const { routes, maxPrefixSegments } = (this.#collected ??= this.#collect());
    if (routes.length === 0) return NONE;
    // The URL that the router has seen.
    const [path = ''] = request.url.split('?', 1);
    return routes
      .filter(({ paths }) => paths.some((pattern) => mayMatch(pattern, path, maxPrefixSegments)))
      .map(({ route }) => route);
  }

  /** Once, when all routes are registered. */
  #collect(): CollectedRoutes {
    const routes: CachedRoute[] = [];
    for (const { controller, handler, method, modulePath } of routesOf(this.modules)) {
      const route = CACHED_METHODS.includes(method)
        ? this.configOf(controller, handler)
        : undefined;
      if (route === undefined || route.uncacheable !== undefined || route.http.invalidate === false)
        continue;
      const patterns = patternsOf(controller, handler);
      routes.push({
        route,
        paths: patterns.map((pattern) => compilePath(`${modulePath}/${pattern}`)),
      });
    }
    return { routes, maxPrefixSegments: routingRules(this.modules).maxPrefixSegments };
  }
}

const NONE: readonly RouteConfig[] = Object.freeze([]);

/**
 * After a successful request with an unsafe method: invalidates what is stored of its URI (RFC 9111
 * section 4.4), whichever routes of the application answer GET there.
 */
export async function invalidateUri(
  routes: readonly RouteConfig[],
  exchange: Exchange,
  cacheOf: (name: string) => ResponseCache | undefined,
): Promise<void> {
  const done: Promise<unknown>[] = [];
  const tags = new Map<ResponseCache, Set<string>>();
  for (const route of routes) {
    const cache = cacheOf(route.options.cache);
    if (cache === undefined) continue;
    if (!route.tagsUri) done.push(cache.delete(routeKey(route, exchange, undefined)));
    else tags.set(cache, (tags.get(cache) ?? new Set()).add(uriTag(route, exchange)));
  }
  for (const [cache, names] of tags) done.push(cache.invalidate({ tags: [...names] }));
  await Promise.all(done);
}
