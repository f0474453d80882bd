import { isObservable, tap } from 'rxjs';
import { tagsFromCallback } from '../../core/groups/groups.js';
import { type MethodContext, resolveOption } from '../method/method-context.js';
import type { Run } from '../module/registry.js';

/**
 * Runs a route handler whose response the interceptor stores, and records for the interceptor what
 * the decorator's options make of arguments and result. `when` can only decide about storing here:
 * the interceptor has looked up the response before there were arguments.
 */
export function runRouteHandler(
  method: MethodContext,
  instance: unknown,
  args: unknown[],
  request: object,
  run: Run,
): unknown {
  const { tags, resultTags, when, unless } = method.metadata.cacheable ?? {};
  const needed =
    typeof tags === 'function' ||
    resultTags !== undefined ||
    when !== undefined ||
    unless !== undefined;
  if (!needed) return run(instance, args);
  const record = (result: unknown): void => {
    const directives = method.runCallback(
      'when, unless or tags',
      () => {
        const skip = when?.(...args) === false || unless?.(result, ...args) === true;
        if (skip) return { skip, tags: [] };
        return {
          skip,
          tags: [
            ...tagsFromCallback(resolveOption(tags, args)),
            ...tagsFromCallback(resultTags?.(result, ...args)),
          ],
        };
      },
      { skip: true, tags: [] },
    );
    method.registry.handlerLink.record(request, directives);
  };
  const result = run(instance, args);
  return isObservable(result)
    ? result.pipe(tap(record))
    : Promise.resolve(result).then((value) => {
        record(value);
        return value;
      });
}
