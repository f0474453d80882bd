import { CacheKey as CacheKeyValue, type CacheKeyBuilder } from '../../core/key.js';
import type { KeyMaker } from '../decorator-options.js';
import type { AsyncMethod, EffectDecorator, NoteDecorator } from '../method-types.js';
import { setOnce } from '../plan.js';
import { noteOn } from '../wrap-method.js';

/** A canonical, immutable key; `CacheKey.builder()` makes one. */
export type CacheKey = CacheKeyValue;

export interface CacheKeyDecorator {
  /** One key for all calls. On a route handler it opts into response caching, as in @nestjs/cache-manager. */
  (key: string): NoteDecorator;
  /** The key of a call from its arguments. */
  <M extends AsyncMethod>(make: KeyMaker<M>): EffectDecorator<M>;
  /** A builder for keys of your own. */
  builder(): CacheKeyBuilder;
  /** `value instanceof CacheKey`. */
  [Symbol.hasInstance](value: unknown): boolean;
}

const decorator = Object.assign(
  (given: string | KeyMaker<never>) =>
    (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
      setOnce(noteOn('@CacheKey', target, name, descriptor), 'key', given, '@CacheKey');
    },
  { builder: () => CacheKeyValue.builder() },
);
Object.defineProperty(decorator, Symbol.hasInstance, { value: (value: unknown) => value instanceof CacheKeyValue });

/**
 * As a decorator: how the key of a cached method is made. As a value: `CacheKey.builder()`.
 *
 * ```ts
 * @CacheKey((key, tenant, page) => key.tenant(tenant).segment('entries').param('page', page))
 * ```
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the class is defined: on static methods, and when the method has a key already
 */
export const CacheKey: CacheKeyDecorator = Object.freeze(decorator);
