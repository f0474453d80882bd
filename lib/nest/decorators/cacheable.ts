import { checkOptions } from '../check-options.js';
import type { CacheableOptions } from '../decorator-options.js';
import type { AsyncMethod, ClassOrResultDecorator } from '../method-types.js';
import { ensureClassPlan, setOnce } from '../plan.js';
import { whereOf, wrapMethod } from '../wrap-method.js';

/**
 * Caches the result of an asynchronous method of any provider: one production per key however many callers, in every scope.
 *
 * The key is made by `@CacheKey` or the option `key`, else from class, method and arguments. On a route handler of a controller the response is
 * cached (by `CacheInterceptor`), and on a controller class the responses of all its handlers. Without a `CacheModule` the method simply runs.
 *
 * ```ts
 * @Cacheable({ ttl: '1m', tags: (tenant, page) => [`page:${page}`] })
 * async listEntries(tenant: string, page: number): Promise<Entry[]> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and synchronous methods, twice on one method, and together with
 * `@CachePut`; CacheConfigError (`CACHE_CONFIG`) for options that cannot work
 */
export function Cacheable<M extends AsyncMethod>(options: CacheableOptions<M> = {}): ClassOrResultDecorator<M> {
  const decorate = (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const given = options as unknown as CacheableOptions;
    if (name !== undefined) {
      setOnce(wrapMethod('@Cacheable', target, name, descriptor), 'cacheable', given, '@Cacheable');
      checkOptions('@Cacheable', whereOf(target, name), given);
    } else {
      checkOptions('@Cacheable', (target as { readonly name: string }).name, given);
      ensureClassPlan(target).cacheable = given;
    }
  };
  return decorate;
}
