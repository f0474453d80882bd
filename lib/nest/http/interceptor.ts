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
import { catchError, from, map, mergeMap, type Observable, of, throwError } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import { cborCodec } from '../../codecs/cbor.js';
import { isNonError, isSafe, mustBypass, readWishes } from '../../http/request.js';
import { ResponseCodecs } from '../../http/response-codec.js';
import { sayCacheStatus } from './respond.js';
import { routingRules } from './application.js';
import { refuseCdn } from './cdn.js';
import { type Exchange, exchangeOf, hasUnclearQuery, type HttpRequest } from './request.js';
import { Learnt } from './observations.js';
import { answerFromCache, peekAnswer } from './serve.js';
import { neverHasTenant, noTenantError } from './no-tenant.js';
import { HTTP_CACHE_SOURCE, type HttpCacheSource, type ResponseCache } from './response-cache.js';
import type { Handler } from './handler-name.js';
import { identify } from './identity.js';
import {
  FixedKeys,
  assertNoSecondInterceptor,
  assertIdentityDeclared,
} from '../checks/route-checks.js';
import { unkeyedInputs, unkeyedInputsMessage } from '../checks/unkeyed-inputs.js';
import { planRoute, type RoutePlan } from './route.js';
import { READING, routesOf } from './routes.js';
import { uncacheableRouteError } from '../checks/uncacheable.js';
import { invalidateUri, ReadingRoutes } from './unsafe-methods.js';

/**
 * Answers GET and HEAD requests of routes that opted in from the cache, by the rules of RFC 9111 for a shared cache at the origin: conditional
 * requests, `Vary`, `Age` and `Cache-Status` (RFC 9211) included. One production per key however many ask; what a handler says about itself
 * (`Cache-Control`, `Set-Cookie`, its status) is respected.
 *
 * Guards run on every request, before this interceptor. Pipes run when the handler runs: Nest makes them part of calling it. The parameters of path
 * and query that they see are in the key, so that a request they would refuse for one of them never finds a stored answer.
 *
 * Cost: one read of the cache per request, two for a response with `Vary`.
 */
@Injectable()
export class CacheInterceptor implements NestInterceptor {
  readonly #plans = new WeakMap<object, WeakMap<object, RoutePlan | 'none'>>();
  readonly #readings: ReadingRoutes;
  readonly #learnt = new Learnt(createAsyncContext());
  readonly #warned = new Set<string>();
  readonly #codecs = new ResponseCodecs();
  readonly #logger = new Logger('CacheInterceptor');

  constructor(
    @Inject(HTTP_CACHE_SOURCE) private readonly source: HttpCacheSource,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    this.#readings = new ReadingRoutes(modules, (controller, handler) =>
      this.#planOf(controller as Type, handler),
    );
  }

  /**
   * What can be seen of the routes when the application starts.
   * @throws CacheConfigError (`CACHE_CONFIG`) for options of a route that cannot work
   * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a route with guards that does not say whether its answer depends on who asks
   */
  checkRoutes(): void {
    const keys = new FixedKeys();
    for (const route of routesOf(this.modules)) {
      assertNoSecondInterceptor(route, CacheInterceptor);
      const plan = this.#planOf(route.controller, route.handler);
      if (plan === undefined) continue;
      assertIdentityDeclared(plan, route);
      keys.reserve(plan, route);
      if (plan.unfit !== undefined && READING.includes(route.method))
        this.#warn(`${plan.unfit}, ${plan.where}`, uncacheableRouteError(plan));
      const inputs = unkeyedInputs(
        plan,
        route,
        this.source.cacheOf(plan.options.cache)?.hasTenantResolver === true,
      );
      if (inputs.length > 0) this.#logger.warn(unkeyedInputsMessage(plan, inputs));
      const cache = this.source.cacheOf(plan.options.cache);
      if (cache !== undefined && neverHasTenant(cache))
        this.#warn(`no tenant, ${plan.where}`, noTenantError(plan, cache));
    }
  }

  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const plan = this.#planOf(context.getClass(), context.getHandler());
    if (plan === undefined) return this.#uncached(context, next);
    const cache = this.source.cacheOf(plan.options.cache);
    const exchange = exchangeOf(
      context.getArgByIndex<HttpRequest>(0),
      context.getArgByIndex<object>(1),
    );
    if (cache === undefined) return bypass(exchange, next, 'no-cache-module');
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
      sayCacheStatus(exchange, { hit: false, fwd: 'method' });
      return isSafe(exchange.method) ? next.handle() : this.#afterSuccess(plan, exchange, next);
    }
    return this.#read(plan, cache, exchange, next);
  }

  #read(
    plan: RoutePlan,
    cache: ResponseCache,
    exchange: Exchange,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const { lateTenants } = this.#learnt;
    const reason =
      plan.unfit ??
      (lateTenants.has(plan)
        ? 'tenant'
        : (mustBypass(exchange.headers) ?? (hasUnclearQuery(exchange) ? 'query' : undefined)));
    if (reason !== undefined) return bypass(exchange, next, reason, plan);
    const identity = identify(plan, exchange);
    if ('unknown' in identity) {
      if (identity.problem !== undefined)
        this.#warn(`${identity.unknown}, ${plan.where}`, identity.problem);
      return bypass(exchange, next, identity.unknown, plan);
    }
    const wishes =
      plan.http.requestDirectives === 'ignore' ? readWishes({}) : readWishes(exchange.headers);
    if (wishes.noStore) return bypass(exchange, next, 'no-store', plan);

    const handle = (): Observable<unknown> => next.handle() as Observable<unknown>;
    const parts = {
      plan,
      cache,
      exchange,
      handle,
      ...identity,
      now: () => cache.clock.now(),
      learnt: this.#learnt,
      warn: this.#warn,
    };
    const constrained =
      wishes.noCache ||
      wishes.onlyIfCached ||
      wishes.maxAge !== undefined ||
      wishes.minFresh !== undefined;
    if (constrained || exchange.method === 'HEAD') return peekAnswer(parts, wishes);
    return answerFromCache(parts);
  }

  /** The handler did not opt in; but it may change what others have stored. */
  #uncached(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.getArgByIndex<HttpRequest>(0);
    if (isSafe(request.method)) return next.handle();
    return this.#afterSuccess(
      undefined,
      exchangeOf(request, context.getArgByIndex<object>(1)),
      next,
    );
  }

  #afterSuccess(
    plan: RoutePlan | undefined,
    exchange: Exchange,
    next: CallHandler,
  ): Observable<unknown> {
    const readings = plan?.http.invalidate === false ? [] : this.#readings.at(exchange);
    if (readings.length === 0) return next.handle();
    const handled = next.handle();
    return handled.pipe(
      mergeMap((value) => {
        if (!isNonError(exchange.status)) return of(value);
        const done = invalidateUri(readings, exchange, (name) => this.source.cacheOf(name));
        return from(done).pipe(
          map((): unknown => value),
          catchError((error: unknown) => {
            this.#warn('invalidate', error);
            return of(value);
          }),
        );
      }),
      catchError((error: unknown) => throwError(() => error)),
    );
  }

  #planOf(controller: Type, handler: Handler): RoutePlan | undefined {
    let plans = this.#plans.get(controller);
    if (plans === undefined) this.#plans.set(controller, (plans = new WeakMap()));
    let plan = plans.get(handler);
    if (plan === undefined) {
      const options = this.source.optionsOf(controller, handler);
      if (options === undefined) plan = 'none';
      else {
        const { codec, nullTtl, ...defaults } = this.source.cacheOf(options.cache)?.defaults ?? {};
        const ofNull = nullTtl === undefined ? undefined : { nullTtl };
        const chosen = options.codec ?? codec;
        const responses = this.#codecs.of(
          chosen === 'cbor' ? cborCodec : chosen === 'json' ? undefined : chosen,
        );
        plan = planRoute(
          controller,
          handler,
          { ...defaults, ...ofNull, ...options },
          responses,
          routingRules(this.modules).versioning,
        );
      }
      plans.set(handler, plan);
    }
    return plan === 'none' ? undefined : plan;
  }

  /** Once per kind: a cache in trouble must not fill the log. */
  readonly #warn = (kind: string, error: unknown): void => {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#logger.warn(
      `Requests go past the cache (${kind}): ${error instanceof Error ? error.message : String(error)} Further ones of this kind are not logged.`,
    );
  };
}

function bypass(
  exchange: Exchange,
  next: CallHandler,
  detail: string,
  plan?: RoutePlan,
): Observable<unknown> {
  sayCacheStatus(exchange, { hit: false, fwd: 'bypass', detail });
  refuseCdn(plan?.cdn, exchange);
  return next.handle();
}
