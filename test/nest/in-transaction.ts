import type { CacheService } from '../../lib/index.js';

/** The unit of work outside, the transaction inside. */
export function inTransaction<Tx, T>(
  cache: CacheService,
  transaction: (work: (tx: Tx) => Promise<T>) => Promise<T>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  let committing = false;
  const run = () =>
    transaction(async (tx) => {
      committing = false;
      const result = await work(tx);
      // an error from here on is one of the COMMIT: whether it took place is unknown
      committing = true;
      return result;
    });
  return cache.unitOfWork(run, { inDoubt: () => committing });
}
