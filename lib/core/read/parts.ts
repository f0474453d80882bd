/** This many keys of a call with many are asked for, or stored, at once: each has to be answered within its own time. */
export const AT_ONCE = 1_000;

/**
 * `task` for every item, a part of them at a time.
 * @throws what the first of those that failed has thrown, when all have settled
 */
export async function inParts<I, R>(
  items: readonly I[],
  task: (item: I) => Promise<R>,
): Promise<R[]> {
  const settled: PromiseSettledResult<R>[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const part = await Promise.allSettled(items.slice(from, from + AT_ONCE).map(task));
    for (const one of part) settled.push(one);
  }
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value;
    const reason: unknown = one.reason;
    throw reason;
  });
}
