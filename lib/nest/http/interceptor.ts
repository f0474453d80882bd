import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { catchError, from, map, mergeMap, type Observable, of } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import { cborCodec } from '../../codecs/cbor.js';
import { isNonError, isSafe } from '../../http/request.js';
import { ResponseCodecs } from '../../http/response-codec.js';
import { Guards } from '../checks/guards.js';
import {
  FixedKeys,
  assertNoSecondInterceptor,
  assertIdentityDeclared,
} from '../checks/route-checks.js';
import { uncacheableRouteError } from '../checks/uncacheable.js';
import { unkeyedInputs, unkeyedInputsMessage } from '../checks/unkeyed-inputs.js';
import { forbidCdn } from './cdn.js';
import { canNeverHaveTenant, identify, missingTenantError } from './identity.js';
import { RouteObservations } from './observations.js';
import { type Exchange, exchangeOf, type HttpRequest } from './request.js';
import { RequestContext } from './request-context.js';
import { setCacheStatus } from './respond.js';
import { HTTP_CACHE_SOURCE, type HttpCacheSource, type ResponseCache } from './response-cache.js';
import { compileRoute, type RouteConfig } from './route.js';
import { CACHED_METHODS, type Handler, routesOf, routingRules } from './routes.js';
import { chosenBypass, serveRequest } from './client-bypass.js';
import { CachedRoutes, invalidateUri } from './unsafe-methods.js';

type Handled = Observable<unknown> | Promise<Observable<unknown>>;

/**
 * Answers GET and HEAD requests of routes that opted in from the cache, by the rules of RFC 9111
 * for a shared cache at the origin: with conditional requests, `Vary`, `Age` and `Cache-Status`
 * (RFC 9211). The handler runs once per key, however many requests wait for it, and what it sets
 * itself (`Cache-Control`, `Set-Cookie`, its status) is respected.
 *
 * Guards run on every request, before this interceptor. Pipes run with the handler, because Nest
 * makes them part of calling it. The parameters of path and query that pipes see are in the key, so
 * a request that they would reject for one of these never finds a stored response.
 *
 * Cost: one read of the cache per request, two for a response with `Vary`.
 */
@Injectable()
export class CacheInterceptor implements NestInterceptor {
  /** Routes by controller and handler; null for those that did not opt in. */
  readonly #routes = new WeakMap<object, WeakMap<object, RouteConfig | null>>();
  readonly #cachedRoutes: CachedRoutes;
  readonly #observations = new RouteObservations(createAsyncContext());
  readonly #warned = new Set<string>();
  readonly #codecs = new ResponseCodecs();
  readonly #logger = new Logger('CacheInterceptor');

  constructor(
    @Inject(HTTP_CACHE_SOURCE) private readonly source: HttpCacheSource,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    this.#cachedRoutes = new CachedRoutes(modules, (controller, handler) =>
      this.#routeOf(controller as Type, handler),
    );
  }

  /**
   * Checks all routes when the application starts.
   * @throws CacheConfigError (`CACHE_CONFIG`) for options of a route that cannot work
   * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a route with guards that does not declare
   * whether its response depends on the client
   */
  checkRoutes(): void {
    const keys = new FixedKeys();
    for (const found of routesOf(this.modules)) {
      assertNoSecondInterceptor(found, CacheInterceptor);
      const route = this.#routeOf(found.controller, found.handler);
      if (route === undefined) continue;
      assertIdentityDeclared(route, found);
      keys.reserve(route, found);
      if (route.uncacheable !== undefined && CACHED_METHODS.includes(found.method))
        this.#warn(`${route.uncacheable}, ${route.where}`, uncacheableRouteError(route));
      const cache = this.source.cache(route.options.cache);
      const inputs = unkeyedInputs(route, found);
      if (inputs.length > 0) {
        this.#observations.unkeyedRoutes.add(route);
        this.#logger.warn(unkeyedInputsMessage(route, inputs));
      }
      if (cache !== undefined && canNeverHaveTenant(cache)) {
        const { where, options } = route;
        this.#warn(`no tenant, ${where}`, missingTenantError(where, options, cache));
      }
    }
  }

  intercept(context: ExecutionContext, next: CallHandler): Handled {
    if (context.getType() !== 'http') return next.handle();
    const request = context.getArgByIndex<HttpRequest>(0);
    const route = this.#routeOf(context.getClass(), context.getHandler());
    // A route that did not opt in may still change what others have stored.
    if (route === undefined && isSafe(request.method)) return next.handle();
    const exchange = exchangeOf(request, context.getArgByIndex<object>(1));
    if (route === undefined) return this.#invalidateAfter(undefined, exchange, next);
    const cache = this.source.cache(route.options.cache);
    if (cache === undefined) return bypass(exchange, next, 'no-cache-module');
    const { method } = request;
    if (method === 'GET' || method === 'HEAD') return this.#read(route, cache, exchange, next);
    setCacheStatus(exchange, { hit: false, fwd: 'method' });
    return isSafe(method) ? next.handle() : this.#invalidateAfter(route, exchange, next);
  }

  #read(route: RouteConfig, cache: ResponseCache, exchange: Exchange, next: CallHandler): Handled {
    const reason = this.#bypassReason(route, exchange);
    if (reason !== undefined) return bypass(exchange, next, reason, route);
    const identity = identify(route, exchange);
    if ('bypass' in identity) {
      const { problem, bypass: kind } = identity;
      if (problem !== undefined) this.#warn(`${kind}, ${route.where}`, problem);
      return bypass(exchange, next, kind, route);
    }
    const observations = this.#observations;
    const request = new RequestContext(
      route,
      cache,
      exchange,
      next,
      identity,
      observations,
      this.#warn,
    );
    return serveRequest(request);
  }

  #bypassReason(route: RouteConfig, exchange: Exchange): string | undefined {
    if (route.uncacheable !== undefined) return route.uncacheable;
    if (this.#observations.lateTenantRoutes.has(route)) return 'tenant';
    return chosenBypass(route, exchange);
  }

  /** Runs the handler; after a success, invalidates what is stored of the URI. */
  #invalidateAfter(
    route: RouteConfig | undefined,
    exchange: Exchange,
    next: CallHandler,
  ): Observable<unknown> {
    const routes = route?.http.invalidate === false ? [] : this.#cachedRoutes.matching(exchange);
    if (routes.length === 0) return next.handle();
    return (next.handle() as Observable<unknown>).pipe(
      mergeMap((value) => {
        if (!isNonError(exchange.status)) return of(value);
        const done = invalidateUri(routes, exchange, (name) => this.source.cache(name));
        return from(done).pipe(
          map((): unknown => value),
          catchError((error: unknown) => {
            this.#warn('invalidate', error);
            return of(value);
          }),
        );
      }),
    );
  }

  #routeOf(controller: Type, handler: Handler): RouteConfig | undefined {
    let routes = this.#routes.get(controller);
    if (routes === undefined) this.#routes.set(controller, (routes = new WeakMap()));
    let route = routes.get(handler);
    if (route === undefined) routes.set(handler, (route = this.#compile(controller, handler)));
    return route ?? undefined;
  }

  #compile(controller: Type, handler: Handler): RouteConfig | null {
    const options = this.source.routeOptions(controller, handler);
    if (options === undefined) return null;
    const { codec, nullTtl, ...defaults } = this.source.cache(options.cache)?.defaults ?? {};
    const chosen = options.codec ?? codec;
    return compileRoute(
      controller,
      handler,
      { ...defaults, ...(nullTtl !== undefined && { nullTtl }), ...options },
      this.#codecs.codecFor(chosen === 'cbor' ? cborCodec : chosen === 'json' ? undefined : chosen),
      {
        versioning: routingRules(this.modules).versioning,
        guard: new Guards(this.modules).of(handler, controller),
      },
    );
  }

  /** Once for each kind: a cache with a problem must not fill the log. */
  readonly #warn = (kind: string, error: unknown): void => {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    const message = error instanceof Error ? error.message : String(error);
    this.#logger.warn(
      `Requests bypass the cache (${kind}): ${message} ` +
        'Further warnings of this kind are not logged.',
    );
  };
}

function bypass(
  exchange: Exchange,
  next: CallHandler,
  detail: string,
  route?: RouteConfig,
): Observable<unknown> {
  setCacheStatus(exchange, { hit: false, fwd: 'bypass', detail });
  forbidCdn(route?.cdn, exchange);
  return next.handle();
}
