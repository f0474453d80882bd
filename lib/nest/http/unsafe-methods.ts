import type { ModulesContainer } from '@nestjs/core';
import { routingRules } from './application.js';
import type { Exchange } from './request.js';
import type { Controller, Handler } from './handler-name.js';
import { compilePath, mayMatch, type PathPattern } from './path-pattern.js';
import type { ResponseCache } from './response-cache.js';
import { routeKey, uriTag } from './cache-key.js';
import { patternsOf, type RoutePlan } from './route.js';
import { READING, routesOf } from './routes.js';

interface ReadingRoute {
  readonly plan: RoutePlan;
  readonly paths: readonly PathPattern[];
}

/** The routes of an application whose responses are stored. */
export class ReadingRoutes {
  #known: { readonly routes: readonly ReadingRoute[]; readonly maxPrefix: number } | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly planOf: (controller: Controller, handler: Handler) => RoutePlan | undefined,
  ) {}

  /** Those that may answer GET at the URI of a request, one of whose handlers says that it changes what is there. */
  at({ request }: Exchange): readonly RoutePlan[] {
    const { routes, maxPrefix } = (this.#known ??= this.#look());
    if (routes.length === 0) return NONE;
    // As the router saw it.
    const [path = ''] = request.url.split('?', 1);
    return routes
      .filter(({ paths }) => paths.some((pattern) => mayMatch(pattern, path, maxPrefix)))
      .map(({ plan }) => plan);
  }

  /** Once, when all routes are there. */
  #look(): { readonly routes: readonly ReadingRoute[]; readonly maxPrefix: number } {
    const routes: ReadingRoute[] = [];
    for (const { controller, handler, method, modulePath } of routesOf(this.modules)) {
      const plan = READING.includes(method) ? this.planOf(controller, handler) : undefined;
      if (plan === undefined || plan.unfit !== undefined || plan.http.invalidate === false)
        continue;
      routes.push({
        plan,
        paths: patternsOf(controller, handler).map((pattern) =>
          compilePath(`${modulePath}/${pattern}`),
        ),
      });
    }
    return { routes, maxPrefix: routingRules(this.modules).maxPrefix };
  }
}

const NONE: readonly RoutePlan[] = Object.freeze([]);

/**
 * A method that is not safe has succeeded: what is stored of its URI is not used any more (RFC 9111 section 4.4), whichever routes of the
 * application answer GET there.
 */
export async function invalidateUri(
  readings: readonly RoutePlan[],
  exchange: Exchange,
  cacheOf: (name: string) => ResponseCache | undefined,
): Promise<void> {
  const done: Promise<unknown>[] = [];
  const tags = new Map<ResponseCache, Set<string>>();
  for (const plan of readings) {
    const cache = cacheOf(plan.options.cache);
    if (cache === undefined) continue;
    if (!plan.uriTagged) done.push(cache.delete(routeKey(plan, exchange, undefined)));
    else tags.set(cache, (tags.get(cache) ?? new Set()).add(uriTag(plan, exchange)));
  }
  for (const [cache, named] of tags) done.push(cache.invalidate({ tags: [...named] }));
  await Promise.all(done);
}
