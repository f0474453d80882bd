import { defer, from, mergeAll, mergeMap, type Observable, toArray } from 'rxjs';
import type { SetOptions } from '../core/types.js';
import { keyOfCall, entryOptions } from './cached-call.js';
import type { Caches } from './caches.js';
import type { CachePutOptions } from './decorator-options.js';
import { isBefore, refuseIdle, runEvict } from './evictions.js';
import { cacheNamed, fromArguments, guarded, type MethodCall, textOf, whereOf } from './method-call.js';

/** Evictions before the method, puts and evictions after it has succeeded; its caller goes on when they are acknowledged. */
export async function withEffects(call: MethodCall, caches: Caches, run: () => unknown): Promise<unknown> {
  await before(call, caches);
  const result: unknown = await run();
  await after(call, caches, result);
  return result;
}

/** As `withEffects`. A stream has succeeded when it completes: its values come after that. */
export function observedWithEffects(call: MethodCall, caches: Caches, run: () => unknown): Observable<unknown> {
  return defer(() => from(before(call, caches))).pipe(
    mergeMap(() => run() as Observable<unknown>),
    toArray(),
    mergeMap(async (values) => {
      await after(call, caches, values.at(-1));
      return values;
    }),
    mergeAll(),
  );
}

async function before(call: MethodCall, caches: Caches): Promise<void> {
  for (const evict of call.plan.evict) if (!isBefore(evict)) refuseIdle(call, caches, evict);
  for (const evict of call.plan.evict) if (isBefore(evict)) await runEvict(call, caches, evict);
}

async function after(call: MethodCall, caches: Caches, result: unknown): Promise<void> {
  const { put, evict: evictions } = call.plan;
  if (put !== undefined) await runPut(call, caches, put, result);
  for (const evict of evictions) if (evict.timing !== 'before') await runEvict(call, caches, evict);
}

async function runPut(call: MethodCall, caches: Caches, put: CachePutOptions, result: unknown): Promise<void> {
  const { plan } = call;
  const cache = cacheNamed(put.cache, plan, caches);
  if (cache === undefined) return;
  const decided = guarded(call, caches, 'when, unless or tags', () => decidePut(call, put, result), 'remove');
  if (decided === 'leave') return;
  try {
    const key = keyOfCall(call, caches);
    await (decided === 'remove' ? cache.delete(key) : cache.set(key, result, decided));
  } catch (error) {
    // The method has done its work: that its result cannot be kept must not make the call fail.
    caches.warnOnce(`put ${whereOf(plan)}`, `@CachePut of ${whereOf(plan)} could not keep the result: ${textOf(error)}`);
  }
}

/** The method has changed something: a result that is not to be stored still makes the old value an old one. */
function decidePut({ plan, args }: MethodCall, put: CachePutOptions, result: unknown): SetOptions | 'leave' | 'remove' {
  if (put.when?.(...args) === false) return 'leave';
  if (put.unless?.(result, ...args) === true) return 'remove';
  const tags = [...(fromArguments(put.tags, args) ?? []), ...(put.resultTags?.(result, ...args) ?? [])];
  return { tags, ...entryOptions(plan, put) };
}
