import type { CacheService } from '../../core/cache.js';

/** Runs the task; settles when the invalidations it has started, in any of the caches, are acknowledged. */
export function awaiting<T>(
  caches: readonly CacheService[],
  task: () => Promise<T> | T,
): Promise<T> {
  const run = async (): Promise<T> => task();
  return caches.reduce<() => Promise<T>>(
    (inner, cache) => () => cache.awaitInvalidations(inner),
    run,
  )();
}
