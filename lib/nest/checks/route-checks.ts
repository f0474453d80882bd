import type { Type } from '@nestjs/common';
import { CacheConfigError, CacheDecoratorError } from '../../ports/errors.js';
import { IDENTITY_CHOICES } from '../http/identity.js';
import type { RouteConfig } from '../http/route.js';
import { CACHED_METHODS, handlerName, type Route } from '../http/routes.js';

/**
 * A guard identifies the user, so the answer may depend on the user: the route must declare whether
 * it does.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function assertIdentityDeclared(config: RouteConfig, { method }: Route): void {
  if (config.uncacheable !== undefined || !CACHED_METHODS.includes(method)) return;
  const { principal, credentials } = config.http;
  if (credentials === 'in-key') {
    throw new CacheDecoratorError(
      `${config.where} has http: { credentials: 'in-key' }, which is for a key made from the ` +
        'arguments; its response has another key. ' +
        IDENTITY_CHOICES,
    );
  }
  const isDeclared =
    principal !== undefined || credentials !== undefined || config.credentials.inKey.length > 0;
  if (isDeclared || config.guard === undefined) return;
  throw new CacheDecoratorError(
    `${config.where} is cached and has ${config.guard}, but does not say whether its answer ` +
      'depends on who asks: one user could be given what was made for another. ' +
      IDENTITY_CHOICES,
  );
}

/** Nest's metadata key of `@UseInterceptors`. */
const INTERCEPTORS = '__interceptors__';

/**
 * @nestjs/cache-manager wants `@UseInterceptors(CacheInterceptor)`. Here the interceptor is global;
 * a second one on the same request would wait for the first.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function assertNoSecondInterceptor({ controller, handler }: Route, interceptor: Type): void {
  for (const target of [handler, controller]) {
    const given = Reflect.getMetadata(INTERCEPTORS, target) as readonly unknown[] | undefined;
    if (given?.includes(interceptor) !== true) continue;
    throw new CacheDecoratorError(
      `${controller.name}.${String(handlerName(controller, handler))} has ` +
        '@UseInterceptors(CacheInterceptor): CacheModule.forRoot has registered it for all ' +
        'routes. ' +
        'Leave it out, and opt in with @Cacheable(), @CacheKey or @CacheTTL on the handler or ' +
        'its class.',
    );
  }
}

/** Finds routes that have the same fixed key. */
export class FixedKeys {
  readonly #owners = new Map<string, { readonly route: Route; readonly where: string }>();

  /**
   * @throws CacheConfigError (`CACHE_CONFIG`) for a fixed key that another route has: each would
   * answer with responses of the other
   */
  reserve({ options, where, uncacheable, version, multiPath }: RouteConfig, route: Route): void {
    const { key, cache } = options;
    // With several paths the path is part of the key.
    if (
      key === undefined ||
      uncacheable !== undefined ||
      !CACHED_METHODS.includes(route.method) ||
      multiPath
    )
      return;
    const name = JSON.stringify([cache, key, version]);
    const owner = this.#owners.get(name);
    if (owner !== undefined && !isSameRoute(owner.route, route)) {
      throw new CacheConfigError(
        `Two routes, ${owner.where} and ${where}, have the key ${JSON.stringify(key)}: one would ` +
          'answer with what is stored of the other. Give each a key of its own, or leave the ' +
          'keys out.',
      );
    }
    this.#owners.set(name, { route, where });
  }
}

/** One controller may be mounted below two paths, with an instance for each. */
function isSameRoute(first: Route, second: Route): boolean {
  return (
    first.controller === second.controller &&
    first.handler === second.handler &&
    first.modulePath === second.modulePath
  );
}
