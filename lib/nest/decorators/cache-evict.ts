import { CacheDecoratorError } from '../../ports/errors.js';
import { assertDecoratorOptions } from './validate.js';
import type { AsyncMethod, AsyncMethodDecorator, CacheEvictOptions } from './options.js';
import { decorateMethod } from '../method/decorate-method.js';
import { assertCalled, qualifiedName } from './metadata.js';

/**
 * Invalidates when the method is called; by default after it has succeeded, and its caller goes on
 * when the invalidation is acknowledged. A method may have several.
 *
 * ```ts
 * @CacheEvict({ tags: (dto) => [`account:${dto.accountId}`] })
 * async post(dto: PostEntry): Promise<void> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and
 * synchronous methods, and for a timing that does not exist; CacheConfigError (`CACHE_CONFIG`) for
 * other options that cannot work
 */
export function CacheEvict<M extends AsyncMethod>(
  options: CacheEvictOptions<M> = {},
): AsyncMethodDecorator<M> {
  assertCalled('@CacheEvict', options);
  // `assertDecoratorOptions` refuses null and the like: it knows the method.
  const timing: string = (options as CacheEvictOptions<M> | null)?.timing ?? 'after-success';
  if (!['after-success', 'after-commit', 'before', 'both'].includes(timing)) {
    throw new CacheDecoratorError(
      "@CacheEvict: timing must be 'after-success', 'after-commit', 'before' or 'both'; got " +
        `${JSON.stringify(timing)}.`,
    );
  }
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    // Decorators run from the inside out; evictions happen in the order in which they are written.
    decorateMethod('@CacheEvict', target, name, descriptor, options).evictions.unshift(
      options as unknown as CacheEvictOptions,
    );
    assertDecoratorOptions('@CacheEvict', qualifiedName(target, name), options);
  };
}
