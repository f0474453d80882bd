import { CacheDecoratorError } from '../../ports/errors.js';
import { assertDecoratorOptions } from './validate.js';
import type { AsyncMethod, CacheableOptions, ClassOrResultMethodDecorator } from './options.js';
import { decorateMethod } from '../method/decorate-method.js';
import { addClassMetadata, assertCalled, qualifiedName, setOnce } from './metadata.js';

/**
 * Caches the result of an asynchronous method of any provider: its result is
 * produced once per key however many callers there are, in every injection scope.
 *
 * The key is made by `@CacheKey` or the option `key`, else from class, method and arguments. On a
 * route handler of a controller the response is cached (by `CacheInterceptor`), and on a controller
 * class the responses of all its handlers. Without a `CacheModule` the method simply runs.
 *
 * ```ts
 * @Cacheable({ ttl: '1m', tags: (tenant, page) => [`page:${page}`] })
 * async listEntries(tenant: string, page: number): Promise<Entry[]> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and
 * synchronous methods, twice on one method, together with `@CachePut`, and on a class with options
 * that belong to one method; when the application starts, for combinations that could only do harm;
 * CacheConfigError (`CACHE_CONFIG`) for options that cannot work
 */
export function Cacheable<M extends AsyncMethod>(
  options: CacheableOptions<M> = {},
): ClassOrResultMethodDecorator<M> {
  assertCalled('@Cacheable', options);
  const decorate = (
    target: object,
    name?: string | symbol,
    descriptor?: PropertyDescriptor,
  ): void => {
    const given = options as unknown as CacheableOptions;
    if (name !== undefined) {
      setOnce(
        decorateMethod('@Cacheable', target, name, descriptor as PropertyDescriptor, options),
        'cacheable',
        given,
        '@Cacheable',
      );
      assertDecoratorOptions('@Cacheable', qualifiedName(target, name), given);
    } else {
      const metadata = addClassMetadata('@Cacheable', target, descriptor);
      const where = (target as { readonly name: string }).name;
      assertDecoratorOptions('@Cacheable', where, given);
      assertNoMethodOptions(given, where);
      metadata.cacheable = given;
    }
  };
  return decorate;
}

/** On a class, an option that belongs to one method has no meaning. */
function assertNoMethodOptions(options: CacheableOptions, where: string): void {
  const { key, instanceKey, ignoreArguments, returns, tags, resultTags, when, unless } = options;
  const ofMethods = {
    key,
    instanceKey,
    ignoreArguments,
    returns,
    tags: typeof tags === 'function' ? tags : undefined,
    resultTags,
    when,
    unless,
  };
  const [found] = Object.entries(ofMethods).find(([, value]) => value !== undefined) ?? [];
  if (found === undefined) return;
  throw new CacheDecoratorError(
    `@Cacheable is on the class ${where} with the option ${found}, which belongs to one method. ` +
      `Put @Cacheable({ ${found}: ... }) on the method.`,
  );
}
