import { isObservable, tap } from 'rxjs';
import { tagsFromCallback } from '../../core/groups/groups.js';
import type { Run } from '../module/registry.js';
import { type MethodContext, resolveOption } from '../method/method-context.js';

/**
 * A call of a route handler whose response the interceptor keeps: the method runs, and what its decorator makes of the arguments and the result
 * is told to the interceptor. `when` decides about storing here: the interceptor has looked before there were arguments.
 */
export function routeCall(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  request: object,
  run: Run,
): unknown {
  const { tags, resultTags, when, unless } = method.metadata.cacheable ?? {};
  if (
    typeof tags !== 'function' &&
    resultTags === undefined &&
    when === undefined &&
    unless === undefined
  )
    return run(instance, args);
  const say = (result: unknown): void => {
    const said = method.runCallback(
      'when, unless or tags',
      () => {
        const skip = when?.(...args) === false || unless?.(result, ...args) === true;
        return {
          skip,
          tags: skip
            ? []
            : [
                ...tagsFromCallback(resolveOption(tags, args)),
                ...tagsFromCallback(resultTags?.(result, ...args)),
              ],
        };
      },
      { skip: true, tags: [] },
    );
    method.registry.routeCalls.say(request, said);
  };
  const result = run(instance, args);
  return isObservable(result)
    ? result.pipe(tap(say))
    : Promise.resolve(result).then((value) => {
        say(value);
        return value;
      });
}
