import { isObservable, tap } from 'rxjs';
import { tagsFromCallback } from '../../core/groups/groups.js';
import type { Caches } from '../module/caches.js';
import { fromArguments, guarded, type MethodCall, type Run } from '../method/method-call.js';

/**
 * A call of a route handler whose response the interceptor keeps: the method runs, and what its decorator makes of the arguments and the result
 * is told to the interceptor. `when` decides about storing here: the interceptor has looked before there were arguments.
 */
export function routeCall(call: MethodCall, caches: Caches, request: object, run: Run): unknown {
  const { tags, resultTags, when, unless } = call.plan.cacheable ?? {};
  if (
    typeof tags !== 'function' &&
    resultTags === undefined &&
    when === undefined &&
    unless === undefined
  )
    return run(call);
  const say = (result: unknown): void => {
    const said = guarded(
      call,
      caches,
      'when, unless or tags',
      () => {
        const { args } = call;
        const skip = when?.(...args) === false || unless?.(result, ...args) === true;
        return {
          skip,
          tags: skip
            ? []
            : [
                ...tagsFromCallback(fromArguments(tags, args)),
                ...tagsFromCallback(resultTags?.(result, ...args)),
              ],
        };
      },
      { skip: true, tags: [] },
    );
    caches.routeCalls.say(request, said);
  };
  const result = run(call);
  return isObservable(result)
    ? result.pipe(tap(say))
    : Promise.resolve(result).then((value) => {
        say(value);
        return value;
      });
}
