import { defer, finalize, from, mergeAll, mergeMap, type Observable, toArray } from 'rxjs';
import type { Run } from '../module/registry.js';
import { evict, assertNamesSegment, isBefore } from './evict.js';
import type { MethodContext } from './method-context.js';
import { CachePutCall } from './put.js';

/**
 * Evictions before the method, puts and evictions after it has succeeded; its caller goes on when
 * they are acknowledged.
 */
export function withSideEffects(method: MethodContext, run: Run): Run {
  return async (instance, args) => {
    const put = await before(method, instance, args);
    try {
      const result: unknown = await run(instance, args);
      await after(method, instance, args, put, result);
      return result;
    } finally {
      put?.end();
    }
  };
}

/**
 * As `withSideEffects`, for each subscription. A stream has succeeded when it completes: its values
 * are delivered after that.
 */
export function withObservedSideEffects(method: MethodContext, run: Run): Run {
  return (instance, args) =>
    defer(() => {
      let put: CachePutCall | undefined;
      let over = false;
      const ready = before(method, instance, args).then((begun) => {
        put = begun;
        if (over) put?.end();
      });
      return from(ready).pipe(
        mergeMap(() => run(instance, args) as Observable<unknown>),
        toArray(),
        mergeMap(async (values) => {
          await after(method, instance, args, put, values.at(-1));
          return values;
        }),
        mergeAll(),
        finalize(() => {
          over = true;
          put?.end();
        }),
      );
    });
}

async function before(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
): Promise<CachePutCall | undefined> {
  const { evictions, put } = method.metadata;
  for (const options of evictions)
    if (!isBefore(options)) assertNamesSegment(method, instance, args, options);
  for (const options of evictions)
    if (isBefore(options)) await evict(method, instance, args, options);
  return put === undefined ? undefined : CachePutCall.begin(method, instance, args, put);
}

async function after(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  put: CachePutCall | undefined,
  result: unknown,
): Promise<void> {
  await put?.store(result);
  for (const options of method.metadata.evictions)
    if (options.timing !== 'before') await evict(method, instance, args, options);
}
