import { isObservable, tap } from 'rxjs';
import { tagsFromCallback } from '../../core/groups/groups.js';
import { fromArguments, guarded, type MethodCall, type Run } from '../method/method-call.js';
import type { Caches } from '../module/caches.js';

/**
 * Runs a route handler whose response the interceptor stores, and records for the interceptor what
 * the decorator's options make of arguments and result. `when` can only decide about storing here:
 * the interceptor has looked up the response before there were arguments.
 */
export function runRouteHandler(
  call: MethodCall,
  caches: Caches,
  request: object,
  run: Run,
): unknown {
  const { tags, resultTags, when, unless } = call.plan.cacheable ?? {};
  const needed =
    typeof tags === 'function' ||
    resultTags !== undefined ||
    when !== undefined ||
    unless !== undefined;
  if (!needed) return run(call);
  const record = (result: unknown): void => {
    const directives = guarded(
      call,
      caches,
      'when, unless or tags',
      () => {
        const { args } = call;
        const skip = when?.(...args) === false || unless?.(result, ...args) === true;
        if (skip) return { skip, tags: [] };
        return {
          skip,
          tags: [
            ...tagsFromCallback(fromArguments(tags, args)),
            ...tagsFromCallback(resultTags?.(result, ...args)),
          ],
        };
      },
      { skip: true, tags: [] },
    );
    caches.routeCalls.record(request, directives);
  };
  const result = run(call);
  return isObservable(result)
    ? result.pipe(tap(record))
    : Promise.resolve(result).then((value) => {
        record(value);
        return value;
      });
}
