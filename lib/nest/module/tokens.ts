import { Inject, type InjectionToken } from '@nestjs/common';
import { CacheService } from '../../core/cache.js';
import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';

const DEFAULT_NAME = 'default';

/**
 * The token of a cache: `CacheService` itself for the default one.
 * @throws CacheConfigError (`CACHE_CONFIG`) for an invalid name
 */
export function getCacheToken(name = DEFAULT_NAME): InjectionToken<CacheService> {
  assertName(name);
  return name === DEFAULT_NAME ? CacheService : `nest-query-cache:cache:${name}`;
}

/** The token of the backend of a cache. */
export function getCacheBackendToken(name = DEFAULT_NAME): string {
  assertName(name);
  return `nest-query-cache:backend:${name}`;
}

/** @internal */
export function optionsToken(name: string): string {
  return `nest-query-cache:options:${name}`;
}

function assertName(name: unknown): void {
  if (typeof name === 'string' && name !== '' && name.length <= 100) return;
  throw new CacheConfigError(
    "The name of a cache must be a string of 1 to 100 characters, such as 'reports'; got " +
      `${formatValue(name)}.`,
  );
}

/**
 * Injects a cache by its name.
 * @throws CacheConfigError (`CACHE_CONFIG`) for an invalid name
 */
export function InjectCache(name = DEFAULT_NAME): PropertyDecorator & ParameterDecorator {
  return Inject(getCacheToken(name));
}
