import type { CachePutOptions } from '../decorator-options.js';
import type { ResultDecorator } from '../method-types.js';
import { wrapMethod } from '../wrap-method.js';

/**
 * The method always runs, and its result replaces what is stored under the key, for all processes.
 *
 * ```ts
 * @CachePut({ key: (key, account: Account) => key.segment('account').param('id', account.id) })
 * async save(account: Account): Promise<Account> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined, on static and synchronous methods
 */
export function CachePut<Args extends readonly unknown[] = readonly unknown[], Result = unknown>(
  options: CachePutOptions<Args, Result> = {},
): ResultDecorator<Args, Result> {
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    wrapMethod('@CachePut', target, name, descriptor).put = options as unknown as CachePutOptions;
  };
}
