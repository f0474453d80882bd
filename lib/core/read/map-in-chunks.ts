/** How many keys of one call are asked for, or stored, at a time. */
export const MAX_CONCURRENT_KEYS = 1_000;

/**
 * Runs `task` for every item, at most `MAX_CONCURRENT_KEYS` at a time.
 * @throws the first error, in the order of the items, when all have settled
 */
export async function mapInChunks<I, R>(
  items: readonly I[],
  task: (item: I) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let failure: PromiseRejectedResult | undefined;
  for (let from = 0; from < items.length; from += MAX_CONCURRENT_KEYS) {
    const chunk = items.slice(from, from + MAX_CONCURRENT_KEYS);
    for (const settled of await Promise.allSettled(chunk.map(task))) {
      if (settled.status === 'fulfilled') results.push(settled.value);
      else failure ??= settled;
    }
  }
  if (failure !== undefined) {
    const reason: unknown = failure.reason;
    throw reason;
  }
  return results;
}
