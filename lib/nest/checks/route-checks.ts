import type { Type } from '@nestjs/common';
import { CacheConfigError, CacheDecoratorError } from '../../ports/errors.js';

import { IDENTITY_CHOICES } from '../http/identity.js';
import type { RouteConfig } from '../http/route.js';
import { CACHED_METHODS, handlerName, type Route } from '../http/routes.js';

/** Nest's metadata key of `@UseGuards`. */
const GUARDS = '__guards__';

export function isGuarded(method: object, type: object): boolean {
  return Reflect.hasMetadata(GUARDS, method) || Reflect.hasMetadata(GUARDS, type);
}

/**
 * Where a guard asks who it is, the answer may depend on it: then nothing is taken for granted.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function refuseUnsaidIdentity(
  plan: RouteConfig,
  { controller, handler, method }: Route,
): void {
  if (plan.uncacheable !== undefined || !CACHED_METHODS.includes(method)) return;
  const { principal, credentials } = plan.http;
  const said =
    principal !== undefined || credentials !== undefined || plan.credentials.inKey.length > 0;
  if (said || !isGuarded(handler, controller)) return;
  throw new CacheDecoratorError(
    `${plan.where} is cached and has @UseGuards, but does not say whether its answer depends on who asks: one user could be given what was made for another. ${IDENTITY_CHOICES}`,
  );
}

/** Nest's metadata key of `@UseInterceptors`. */
const INTERCEPTORS = '__interceptors__';

/**
 * As @nestjs/cache-manager has it. Here the interceptor is there already, and twice on one request it would wait for itself.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function refuseSecondInterceptor({ controller, handler }: Route, interceptor: Type): void {
  for (const target of [handler, controller]) {
    const given = Reflect.getMetadata(INTERCEPTORS, target) as readonly unknown[] | undefined;
    if (given?.includes(interceptor) !== true) continue;
    throw new CacheDecoratorError(
      `${controller.name}.${String(handlerName(controller, handler))} has @UseInterceptors(CacheInterceptor): CacheModule.forRoot has registered it for all routes. ` +
        'Leave it out, and opt in with @Cacheable(), @CacheKey or @CacheTTL on the handler or its class.',
    );
  }
}

/** Tells fixed keys of routes apart. */
export class FixedKeys {
  readonly #owners = new Map<
    string,
    { readonly controller: Type; readonly handler: object; readonly where: string }
  >();

  /** @throws CacheConfigError (`CACHE_CONFIG`) for a fixed key that another route has: one would answer with the responses of the other */
  claim(
    { options, where, uncacheable: unfit, version, multiPath: severalPaths }: RouteConfig,
    { controller, handler, method }: Route,
  ): void {
    const { key, cache } = options;
    // With several paths the path is part of the key.
    if (
      key === undefined ||
      unfit !== undefined ||
      !CACHED_METHODS.includes(method) ||
      severalPaths
    )
      return;
    const name = JSON.stringify([cache, key, version]);
    const owner = this.#owners.get(name);
    if (owner !== undefined && (owner.controller !== controller || owner.handler !== handler)) {
      throw new CacheConfigError(
        `Two routes, ${owner.where} and ${where}, have the key ${JSON.stringify(key)}: one would answer with what is stored of the other. Give each a key of its own, or leave the keys out.`,
      );
    }
    this.#owners.set(name, { controller, handler, where });
  }
}
