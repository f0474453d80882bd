import type { Type } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import type { CacheRegistry } from '../module/registry.js';
import type { Decorated, Host } from '../module/decorated-providers.js';
import type { CacheEvictOptions } from '../decorators/options.js';
import { namesOther } from '../method/evict.js';
import { compilePath, mayOverlap } from '../http/path-pattern.js';
import { patternsOf } from '../http/route.js';
import { CACHED_METHODS, type Handler, handlersOf } from '../http/routes.js';
import {
  classPlanOf,
  isRoute,
  isValueOfRoute,
  keyOfPlan,
  type MethodPlan,
  planOf,
} from '../decorators/metadata.js';
import { refuseUnsafe } from './unsafe-combinations.js';

/**
 * What can be seen when the application starts.
 * @throws CacheConfigError (`CACHE_CONFIG`) when the keys of two classes could not be told apart
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a decorator that could never do anything
 */
export function checkPlan(
  { plan, method }: Decorated,
  { type, requestScoped }: Host,
  registry: CacheRegistry,
): void {
  const where = `${type.name}.${plan.method}`;
  const route = isRoute(method);
  refuseUnsafe(plan, method, type);
  refuseIdleEvict(plan, where);
  if (plan.cacheable !== undefined && !route) registry.claimSegment(plan, type);
  if (plan.put !== undefined && keyOfPlan(plan) === undefined && plan.put.name === undefined) {
    registry.warnOnce(
      `put ${where}`,
      `${where} has a @CachePut without a key: nothing reads what it stores. Give it the key of the @Cacheable, or its name.`,
    );
  }
  if (idleKey(plan, route)) {
    registry.warnOnce(
      `key ${where}`,
      `${where} has a @CacheKey, but nothing that uses it. Add @Cacheable().`,
    );
  }
  if (plan.ttl !== undefined && plan.cacheable === undefined && plan.put === undefined && !route) {
    registry.warnOnce(
      `ttl ${where}`,
      `${where} has a @CacheTTL, but nothing that uses it. Add @Cacheable().`,
    );
  }
  if (!route && plan.cacheable?.http !== undefined) {
    registry.warnOnce(
      `http ${where}`,
      `${where} is no route handler, so its value is cached and not a response: the option http has no effect. Leave it out.`,
    );
  }
  if (route) checkRoute(plan, method, type, registry);
  else if (requestScoped) checkRequestScoped(plan, where, registry);
}

/**
 * On a class the decorators mean the responses of its route handlers.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a class that has none
 */
export function refuseClassPlan(type: unknown): void {
  if (typeof type !== 'function') return;
  const plan = classPlanOf(type);
  if (plan === undefined || plan.noCache === true) return;
  throw new CacheDecoratorError(
    `The class ${type.name} has @Cacheable or @CacheTTL, but is no controller: on a class they mean the responses of its route handlers. Put them on its methods.`,
  );
}

function refuseIdleEvict(plan: MethodPlan, where: string): void {
  for (const evict of plan.evict) {
    // Lists that are always empty name nothing, and say that nothing else is meant.
    const full: CacheEvictOptions = Object.fromEntries(
      Object.entries(evict).filter(([, value]) => !isEmpty(value)),
    );
    if (
      namesOther(full) ||
      (!namesOther(evict) && (evict.tenant !== undefined || plan.key !== undefined))
    )
      continue;
    throw new CacheDecoratorError(
      `${where} has a @CacheEvict that names nothing. Give it key, keys, tags, segment, tenant or allEntries, or put @CacheKey on the method.`,
    );
  }
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

/** On a route handler `@CacheKey('name')` opts in by itself. */
function idleKey(plan: MethodPlan, route: boolean): boolean {
  const used = plan.cacheable !== undefined || plan.put !== undefined || plan.evict.length > 0;
  return plan.key !== undefined && !used && !(route && typeof plan.key === 'string');
}

/** HEAD is answered by what they have stored. */
const ANSWERED: readonly unknown[] = [...CACHED_METHODS, 7];

function checkRoute(plan: MethodPlan, method: object, type: Type, registry: CacheRegistry): void {
  const where = `${type.name}.${plan.method}`;
  if (plan.cacheable === undefined) return;
  if (isValueOfRoute(plan)) {
    // Alone it is a word about the key, which is made by hand.
    const { credentials, ...others } = plan.cacheable.http ?? {};
    if (Object.keys(others).length === 0 && (credentials === undefined || credentials === 'ignore'))
      return;
    registry.warnOnce(
      `http ${where}`,
      `${where} has a key made from its arguments, so its value is cached and not its response: the option http has no effect. Leave the key out, or http.`,
    );
  } else if (
    !ANSWERED.includes(Reflect.getMetadata('method', method)) &&
    !changesCached(method as Handler, type)
  ) {
    registry.warnOnce(
      `unsafe ${where}`,
      `${where} has @Cacheable, but responses of methods other than GET and HEAD are not cached. Move the decorator to the method of the provider that it calls.`,
    );
  }
}

/** Then the handler may well say what its method does to what is stored. */
function changesCached(method: Handler, type: Type): boolean {
  const paths = patternsOf(type, method).map(compilePath);
  for (const handler of handlersOf(type)) {
    const plan = planOf(handler);
    const cached =
      classPlanOf(type) !== undefined ||
      plan?.cacheable !== undefined ||
      plan?.key !== undefined ||
      plan?.ttl !== undefined;
    if (!cached || !ANSWERED.includes(Reflect.getMetadata('method', handler))) continue;
    if (
      patternsOf(type, handler).some((pattern) =>
        paths.some((path) => mayOverlap(path, compilePath(pattern))),
      )
    )
      return true;
  }
  return false;
}

function checkRequestScoped(plan: MethodPlan, where: string, registry: CacheRegistry): void {
  const { cacheable } = plan;
  if (cacheable === undefined) return;
  if (
    keyOfPlan(plan) === undefined &&
    registry.find(cacheable.cache ?? 'default')?.hasTenantResolver === false
  ) {
    registry.warnOnce(
      `scope ${where}`,
      `${where} belongs to a request-scoped or durable provider, but its key is made from its arguments only: all requests share the result. ` +
        'If it depends on the request, bring that into the key (@CacheKey), or give the cache a tenant resolver.',
    );
  }
  if (cacheable.staleWhileRevalidate === undefined && cacheable.refreshAhead === undefined) return;
  registry.warnOnce(
    `background ${where}`,
    `${where} belongs to a request-scoped provider and is refreshed in the background: that runs on an instance of its own, without a request.`,
  );
}
