import { CacheDecoratorError } from '../../ports/errors.js';
import { assertDecoratorOptions } from './validate.js';
import type { CacheEvictOptions } from './options.js';
import type { AsyncMethod, EffectDecorator } from './method-types.js';
import { refuseBare, whereOf, wrapMethod } from '../method/decorate-method.js';

/**
 * Invalidates when the method is called; by default after it has succeeded, and its caller goes on when the invalidation is acknowledged.
 * Several on one method are all carried out.
 *
 * ```ts
 * @CacheEvict({ tags: (dto) => [`account:${dto.accountId}`] })
 * async post(dto: PostEntry): Promise<void> { ... }
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static and synchronous methods, and for a timing that does not
 * exist; CacheConfigError (`CACHE_CONFIG`) for other options that cannot work
 */
export function CacheEvict<M extends AsyncMethod>(
  options: CacheEvictOptions<M> = {},
): EffectDecorator<M> {
  refuseBare('@CacheEvict', options);
  // What are no options at all is for `assertDecoratorOptions` to refuse, which knows the method.
  const timing: string = (options as CacheEvictOptions<M> | null)?.timing ?? 'after-success';
  if (!['after-success', 'after-commit', 'before', 'both'].includes(timing)) {
    throw new CacheDecoratorError(
      `@CacheEvict: timing must be 'after-success', 'after-commit', 'before' or 'both'; got ${JSON.stringify(timing)}.`,
    );
  }
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
    // Decorators run from the inside out; carried out in the order in which they are written.
    wrapMethod('@CacheEvict', target, name, descriptor).evict.unshift(
      options as unknown as CacheEvictOptions,
    );
    assertDecoratorOptions('@CacheEvict', whereOf(target, name), options);
  };
}
