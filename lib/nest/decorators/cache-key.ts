import { CacheKey as CacheKeyValue, type CacheKeyBuilder } from '../../core/key.js';
import type { KeyMaker } from '../decorator-options.js';
import type { EffectDecorator } from '../method-types.js';
import { noteOn } from '../wrap-method.js';

/** A canonical, immutable key; `CacheKey.builder()` makes one. */
export type CacheKey = CacheKeyValue;

export interface CacheKeyDecorator {
  /** One key for all calls. On a route handler it opts into response caching, as in @nestjs/cache-manager. */
  (key: string): EffectDecorator<readonly unknown[], unknown>;
  /** The key of a call from its arguments; annotate them. */
  <Args extends readonly unknown[]>(make: KeyMaker<Args>): EffectDecorator<Args, unknown>;
  /** A builder for keys of your own. */
  builder(): CacheKeyBuilder;
}

/**
 * As a decorator: how the key of a cached method is made. As a value: `CacheKey.builder()`.
 *
 * ```ts
 * @CacheKey((key, tenant: string, page: number) => key.tenant(tenant).segment('entries').param('page', page))
 * ```
 */
export const CacheKey: CacheKeyDecorator = Object.freeze(
  Object.assign(
    (given: string | KeyMaker<never>) =>
      (target: object, name: string | symbol, descriptor: PropertyDescriptor): void => {
        noteOn('@CacheKey', target, name, descriptor).key = given as string | KeyMaker<readonly unknown[]>;
      },
    { builder: () => CacheKeyValue.builder() },
  ),
);
