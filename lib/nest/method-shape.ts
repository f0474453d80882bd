import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { CacheDecoratorError } from '../ports/errors.js';
import { type MethodCall, plain, whereOf } from './method-call.js';

export interface Shaped {
  readonly shape: 'promise' | 'observable';
  /** Runs the method. */
  readonly run: () => unknown;
  /** It is running already, so its result must not be stored: an invalidation between its start and that of a flight would be missed. */
  readonly running: boolean;
}

/**
 * What the method returns: by the emitted type, by its being an async function, else by what it gave the first time. That first call then goes
 * past the cache.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a method that returns neither a Promise nor an Observable
 */
export function shapeOf(call: MethodCall): Shaped {
  const { plan, original, instance } = call;
  const shape = plan.shape ?? known(original, instance, plan.method);
  if (shape !== undefined) {
    plan.shape = shape;
    return { shape, run: () => plain(call), running: false };
  }
  const first = plain(call);
  plan.shape = isObservable(first) ? 'observable' : promiseOf(first, call);
  return { shape: plan.shape, run: () => first, running: true };
}

function promiseOf(first: unknown, { plan }: MethodCall): 'promise' {
  if (!isThenable(first)) {
    throw new CacheDecoratorError(
      `${whereOf(plan)} returned ${first === null ? 'null' : `a ${typeof first}`} where its decorator needs a Promise or an Observable: an answer from a cache comes later. Make the method async.`,
    );
  }
  // Its caller gets the error; but perhaps only after an eviction that comes before.
  Promise.resolve(first).catch(() => undefined);
  return 'promise';
}

function known(original: object, instance: unknown, method: string): 'promise' | 'observable' | undefined {
  if (Object.prototype.toString.call(original) === '[object AsyncFunction]') return 'promise';
  const type = Reflect.getMetadata('design:returntype', instance as object, method) as { readonly name?: string } | undefined;
  // By name: an application may have another copy of rxjs.
  if (type?.name === 'Observable') return 'observable';
  return type === Promise ? 'promise' : undefined;
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
