import { assertDecoratorOptions } from './validate.js';
import type { CachePutOptions } from './options.js';
import type { AsyncMethod, ResultDecorator } from './method-types.js';
import { setOnce } from './metadata.js';
import { refuseBare, whereOf, wrapMethod } from '../method/decorate-method.js';

/**
 * The method always runs, and its result replaces what is stored under the key, for all processes. It is fenced like a load: what is invalidated while
 * the method runs stays so. A result that is not stored, for whatever reason, leaves the key deleted; a method that fails changes nothing. One round
 * trip before the method (a backend that does not answer delays it by `backendTimeout`), one after it, two when its tags become known by its result.
 *
 * ```ts
 * @CachePut({ key: (key, account) => key.segment('account').param('id', account.id) })
 * async save(account: Account): Promise<Account> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and synchronous methods, together with `@Cacheable`, and, when
 * the application starts, without a key
 */
export function CachePut<M extends AsyncMethod>(
  options: CachePutOptions<M> = {},
): ResultDecorator<M> {
  refuseBare('@CachePut', options);
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    setOnce(
      wrapMethod('@CachePut', target, name, descriptor),
      'put',
      options as unknown as CachePutOptions,
      '@CachePut',
    );
    assertDecoratorOptions('@CachePut', whereOf(target, name), options);
  };
}
