import { Inject, type InjectionToken } from '@nestjs/common';
import { CacheService } from '../core/cache-service.js';

const DEFAULT_NAME = 'default';

/** The token of a cache: `CacheService` itself for the default one. */
export function getCacheToken(name = DEFAULT_NAME): InjectionToken<CacheService> {
  return name === DEFAULT_NAME ? CacheService : `nest-query-cache:cache:${name}`;
}

/** The token of the backend of a cache. */
export function getCacheBackendToken(name = DEFAULT_NAME): string {
  return `nest-query-cache:backend:${name}`;
}

/** @internal */
export function optionsToken(name: string): string {
  return `nest-query-cache:options:${name}`;
}

/** Injects a cache by its name. */
export function InjectCache(name = DEFAULT_NAME): PropertyDecorator & ParameterDecorator {
  return Inject(getCacheToken(name));
}
