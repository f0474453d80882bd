import type { CacheService } from '../../core/cache.js';
import type { InvalidateRequest, InvalidationResult } from '../../core/options/types.js';

/** The event name of `CacheInvalidated` in @nestjs/event-emitter. */
export const CACHE_INVALIDATED = 'cache.invalidated';

/**
 * What the command side publishes when it has changed something: on the EventBus of @nestjs/cqrs,
 * or as `CACHE_INVALIDATED` with @nestjs/event-emitter. Neither waits for its listeners: to read
 * your own write, await `applyInvalidation(cache, event)`, or use `@CacheEvict`.
 *
 * ```ts
 * eventBus.publish(new CacheInvalidated({ tenant: '42', tags: ['account:7'] }));
 * ```
 */
export class CacheInvalidated {
  /** @param cache the name of the cache; default 'default' */
  constructor(
    readonly request: InvalidateRequest,
    readonly cache = 'default',
  ) {}
}

/** Invalidates what the event names; resolves when the invalidation is acknowledged. */
export function applyInvalidation(
  cache: CacheService,
  event: CacheInvalidated,
): Promise<InvalidationResult> {
  // JavaScript may leave the request out; `invalidate` refuses that.
  return cache.invalidate((event as CacheInvalidated | undefined)?.request as InvalidateRequest);
}
