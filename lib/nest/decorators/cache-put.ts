import { assertDecoratorOptions } from './validate.js';
import type { AsyncMethod, CachePutOptions, ResultMethodDecorator } from './options.js';
import { decorateMethod } from '../method/decorate-method.js';
import { assertCalled, qualifiedName, setOnce } from './metadata.js';

/**
 * The method always runs, and its result replaces what is stored under the key, for all processes.
 * It is fenced like a load: an invalidation while the method runs is not undone. A result that is
 * not stored, for whatever reason, leaves the key deleted; a method that fails changes nothing.
 *
 * Cost: one round trip before the method (a backend that does not answer delays it by at most
 * `backendTimeout`) and one after it, or two when its tags become known by its result.
 *
 * ```ts
 * @CachePut({ key: (key, account) => key.segment('account').param('id', account.id) })
 * async save(account: Account): Promise<Account> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and
 * synchronous methods, and together with `@Cacheable`; CacheConfigError (`CACHE_CONFIG`) for
 * options that cannot work
 */
export function CachePut<M extends AsyncMethod>(
  options: CachePutOptions<M> = {},
): ResultMethodDecorator<M> {
  assertCalled('@CachePut', options);
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    setOnce(
      decorateMethod('@CachePut', target, name, descriptor, options),
      'put',
      options as unknown as CachePutOptions,
      '@CachePut',
    );
    assertDecoratorOptions('@CachePut', qualifiedName(target, name), options);
  };
}
