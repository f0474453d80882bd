import type { Type } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import { handlerMetadataOf } from '../decorators/find-metadata.js';
import {
  cachesValueOnly,
  classMetadataOf,
  declaredKey,
  isRoute,
  type MethodMetadata,
} from '../decorators/metadata.js';
import type { CacheEvictOptions } from '../decorators/options.js';
import { compilePath, mayOverlap } from '../http/path-pattern.js';
import { patternsOf } from '../http/route.js';
import { CACHED_METHODS, type Handler, handlersOf } from '../http/routes.js';
import { namesTarget } from '../method/evict.js';
import type { CacheRegistry } from '../module/registry.js';
import { assertSafe, type DecoratedHost } from './unsafe-combinations.js';

/** A decorated method of a provider or controller. */
export interface DecoratedMethod extends DecoratedHost {
  readonly metadata: MethodMetadata;
}

/**
 * What can be seen when the application starts.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a decorator that could never do anything
 */
export function checkDecoratedMethod(decorated: DecoratedMethod, registry: CacheRegistry): void {
  const { metadata, method, host, requestScoped } = decorated;
  const { cacheable, put, ttl } = metadata;
  const where = `${host.name}.${metadata.method}`;
  const route = isRoute(method);
  assertSafe(metadata, decorated);
  assertEvictionsNameTarget(metadata, where);
  if (put !== undefined && declaredKey(metadata) === undefined && put.name === undefined) {
    registry.warnOnce(
      `put ${where}`,
      `${where} has a @CachePut without a key: nothing reads what it stores. Give it the key of ` +
        'the @Cacheable, or its name.',
    );
  }
  if (isKeyUnused(metadata, route)) {
    registry.warnOnce(
      `key ${where}`,
      `${where} has a @CacheKey, but nothing that uses it. Add @Cacheable().`,
    );
  }
  if (ttl !== undefined && cacheable === undefined && put === undefined && !route) {
    registry.warnOnce(
      `ttl ${where}`,
      `${where} has a @CacheTTL, but nothing that uses it. Add @Cacheable().`,
    );
  }
  if (!route && cacheable?.http !== undefined) {
    registry.warnOnce(
      `http ${where}`,
      `${where} is no route handler, so its value is cached and not a response: the option http ` +
        'has no effect. Leave it out.',
    );
  }
  if (route) checkRoute(metadata, method, host, registry);
  if (requestScoped && (!route || cachesValueOnly(metadata)))
    checkRequestScoped(metadata, where, registry);
}

/**
 * On a class, the decorators concern the responses of its route handlers.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a class that has none
 */
export function assertController(type: unknown): void {
  if (typeof type !== 'function') return;
  const metadata = classMetadataOf(type);
  if (metadata === undefined || metadata.noCache === true) return;
  throw new CacheDecoratorError(
    `The class ${type.name} has @Cacheable or @CacheTTL, but is no controller: on a class they ` +
      'mean the responses of its route handlers. Put them on its methods.',
  );
}

function assertEvictionsNameTarget(metadata: MethodMetadata, where: string): void {
  for (const options of metadata.evictions) {
    // Lists that are always empty name nothing, and say that nothing else is meant.
    const withoutEmpty: CacheEvictOptions = Object.fromEntries(
      Object.entries(options).filter(([, value]) => !isEmptyList(value)),
    );
    if (
      namesTarget(withoutEmpty) ||
      (!namesTarget(options) && (options.tenant !== undefined || metadata.key !== undefined))
    )
      continue;
    throw new CacheDecoratorError(
      `${where} has a @CacheEvict that names nothing. Give it key, keys, tags, segment, tenant ` +
        'or ' +
        'allEntries, or put @CacheKey on the method.',
    );
  }
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** On a route handler `@CacheKey('name')` opts in by itself. */
function isKeyUnused({ key, cacheable, put, evictions }: MethodMetadata, route: boolean): boolean {
  const isUsed = cacheable !== undefined || put !== undefined || evictions.length > 0;
  return key !== undefined && !isUsed && !(route && typeof key === 'string');
}

/** Nest's number of HEAD, which is answered by what the others have stored. */
const HEAD = 7;
const ANSWERED: readonly unknown[] = Object.freeze([...CACHED_METHODS, HEAD]);

function checkRoute(
  metadata: MethodMetadata,
  method: object,
  type: Type,
  registry: CacheRegistry,
): void {
  const where = `${type.name}.${metadata.method}`;
  if (metadata.cacheable === undefined) return;
  if (cachesValueOnly(metadata)) {
    // These two declare something about the key, which is made by hand.
    const { credentials, ...others } = metadata.cacheable.http ?? {};
    if (
      Object.keys(others).length === 0 &&
      (credentials === undefined || credentials === 'ignore' || credentials === 'in-key')
    )
      return;
    registry.warnOnce(
      `http ${where}`,
      `${where} has a key made from its arguments, so its value is cached and not its response: ` +
        'the option http has no effect. Leave the key out, or http.',
    );
  } else if (
    !ANSWERED.includes(Reflect.getMetadata('method', method)) &&
    !changesCachedRoute(method as Handler, type)
  ) {
    registry.warnOnce(
      `unsafe ${where}`,
      `${where} has @Cacheable, but responses of methods other than GET and HEAD are not cached. ` +
        'Move the decorator to the method of the provider that it calls.',
    );
  }
}

/** Then `@Cacheable` on the handler may be meant for the stored responses that it invalidates. */
function changesCachedRoute(method: Handler, type: Type): boolean {
  const paths = patternsOf(type, method).map(compilePath);
  for (const handler of handlersOf(type)) {
    const metadata = handlerMetadataOf(type, handler);
    const isCached =
      classMetadataOf(type) !== undefined ||
      metadata?.cacheable !== undefined ||
      metadata?.key !== undefined ||
      metadata?.ttl !== undefined;
    if (!isCached || !ANSWERED.includes(Reflect.getMetadata('method', handler))) continue;
    if (
      patternsOf(type, handler).some((pattern) =>
        paths.some((path) => mayOverlap(path, compilePath(pattern))),
      )
    )
      return true;
  }
  return false;
}

function checkRequestScoped(
  metadata: MethodMetadata,
  where: string,
  registry: CacheRegistry,
): void {
  const { cacheable } = metadata;
  if (cacheable === undefined) return;
  if (
    declaredKey(metadata) === undefined &&
    registry.find(cacheable.cache ?? 'default')?.hasTenantResolver === false
  ) {
    registry.warnOnce(
      `scope ${where}`,
      `${where} belongs to a request-scoped or durable provider, but its key is made from its ` +
        'arguments only: all requests share the result. If it depends on the request, bring that ' +
        'into the key (@CacheKey), or give the cache a tenant resolver.',
    );
  }
  if (cacheable.staleWhileRevalidate === undefined && cacheable.refreshAhead === undefined) return;
  registry.warnOnce(
    `background ${where}`,
    `${where} belongs to a request-scoped provider and is refreshed in the background: that runs ` +
      'on an instance of its own, without a request.',
  );
}
