import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { describeType } from '../../core/key/percent-encoding.js';
import { CacheDecoratorError } from '../../ports/errors.js';
import { type MethodCall, whereOf } from './method-call.js';

/** What a method returns. */
export type Shape = 'promise' | 'observable';

/** As far as it is known: by the emitted type, by the method's being an async function, else by what it gave before. */
export function shapeOf({ plan, original, instance }: MethodCall): Shape | undefined {
  if (plan.shape !== undefined) return plan.shape;
  const shape = declared(original, instance, plan.method);
  if (shape !== undefined) plan.shape = shape;
  return shape;
}

/**
 * Remembers it, from what the method gave.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a method that returns neither a Promise nor an Observable
 */
export function learnShape({ plan }: MethodCall, given: unknown): Shape {
  if (isObservable(given)) return (plan.shape = 'observable');
  if (isThenable(given)) return (plan.shape = 'promise');
  throw new CacheDecoratorError(
    `${whereOf(plan)} returned ${given === undefined ? 'nothing' : describeType(given)} where its decorator needs a Promise or an Observable: an answer from a cache comes later. Make the method async.`,
  );
}

function declared(original: object, instance: unknown, method: string): Shape | undefined {
  if (Object.prototype.toString.call(original) === '[object AsyncFunction]') return 'promise';
  const type = Reflect.getMetadata('design:returntype', instance as object, method) as
    { readonly name?: string } | undefined;
  // By name: an application may have another copy of rxjs.
  if (type?.name === 'Observable') return 'observable';
  return type === Promise ? 'promise' : undefined;
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
