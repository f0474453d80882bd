import type { Duration } from '../../ports/duration.js';
import { toMilliseconds } from '../../ports/duration.js';
import { addClassMetadata, addMethodMetadata, assertCalled, setOnce } from './metadata.js';

/**
 * How long results are fresh: milliseconds, or a string such as `'30s'`. On a route handler, or a
 * controller class, it opts into response caching, as in @nestjs/cache-manager.
 * @throws CacheConfigError (`CACHE_CONFIG`) when the class is defined
 */
export function CacheTTL(ttl: Duration): MethodDecorator & ClassDecorator {
  assertCalled('@CacheTTL', ttl);
  const ms = toMilliseconds(ttl, '@CacheTTL');
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (name === undefined) addClassMetadata('@CacheTTL', target, descriptor).ttl = ms;
    else setOnce(addMethodMetadata('@CacheTTL', target, name, descriptor), 'ttl', ms, '@CacheTTL');
  };
}
