import { CacheConfigError } from '../../ports/errors.js';
import type { ResponseCache } from './response-cache.js';
import type { RoutePlan } from './route.js';

/** Does the cache want a tenant that nobody will ever give? Seen when the application starts. */
export function neverHasTenant(cache: ResponseCache): boolean {
  return cache.tenancy === 'required' && cache.hasTenantResolver === false;
}

/** Does the cache want a tenant that this request has not? */
export function lacksTenant(cache: ResponseCache): boolean {
  return cache.tenancy === 'required' && tenantOf(cache) === undefined;
}

/** The tenant that the keys of a request get. */
export function tenantOf(cache: ResponseCache): string | undefined {
  return cache.key?.().segment('tenant').build().tenant;
}

export function noTenantError(
  { where, options }: RoutePlan,
  cache: ResponseCache,
): CacheConfigError {
  const given =
    cache.hasTenantResolver === true
      ? 'its tenant resolver gave none for this request'
      : 'it has no tenant resolver';
  return new CacheConfigError(
    `responses of ${where} are not cached: cache '${options.cache}' has tenancy: 'required', and ${given}. ` +
      'The tenant of a response comes from the resolver: give the cache one, CacheModule.forRoot({ tenant: () => ... }), or name another cache for the route, @Cacheable({ cache: ... }).',
  );
}
