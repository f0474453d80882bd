import { CacheKey as CacheKeyValue, type CacheKeyBuilder } from '../../core/key/key.js';
import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';
import type { AsyncMethod, AsyncMethodDecorator, KeyMaker, MetadataDecorator } from './options.js';
import { addMethodMetadata, assertCalled, qualifiedName, setOnce } from './metadata.js';

/** A canonical, immutable key; `CacheKey.builder()` makes one. */
export type CacheKey = CacheKeyValue;

export interface CacheKeyDecorator {
  /**
   * One key for all calls. On a route handler it opts into response caching, as in
   * @nestjs/cache-manager.
   */
  (key: string): MetadataDecorator;
  /** The key of a call from its arguments. */
  <M extends AsyncMethod>(make: KeyMaker<M>): AsyncMethodDecorator<M>;
  /** A builder for keys of your own. */
  builder(): CacheKeyBuilder;
  /** `value instanceof CacheKey`. */
  [Symbol.hasInstance](value: unknown): boolean;
}

const decorator = Object.assign(
  (given: string | KeyMaker<never>) => {
    assertCalled('@CacheKey', given);
    return (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
      const metadata = addMethodMetadata('@CacheKey', target, name, descriptor);
      assertKey(given, qualifiedName(target, name));
      setOnce(metadata, 'key', given, '@CacheKey');
    };
  },
  { builder: () => CacheKeyValue.builder() },
);
Object.defineProperty(decorator, Symbol.hasInstance, {
  value: (value: unknown) => value instanceof CacheKeyValue,
});

/**
 * As a decorator: how the key of a cached method is made. As a value: `CacheKey.builder()`.
 *
 * ```ts
 * @CacheKey((key, tenant, page) => key.tenant(tenant).segment('entries').param('page', page))
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static methods, and
 * when the method has a key already; CacheConfigError (`CACHE_CONFIG`) for anything else than a
 * string or a function
 */
export const CacheKey: CacheKeyDecorator = Object.freeze(decorator);

function assertKey(given: unknown, where: string): void {
  if (typeof given === 'function' || (typeof given === 'string' && given !== '')) return;
  throw new CacheConfigError(
    `@CacheKey on ${where} takes a string that is not empty, or a function of a builder and the ` +
      `arguments: @CacheKey((key, id) => key.param('id', id)); got ${formatValue(given)}.`,
  );
}
