import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { CacheDecoratorError } from '../ports/errors.js';
import { type MethodCall, plain, whereOf } from './method-call.js';

export interface Shaped {
  readonly shape: 'promise' | 'observable';
  /** Runs the method. */
  readonly run: () => unknown;
}

/**
 * What the method returns: by the emitted type, by its being an async function, else by what it gave the first time. That first run is then the
 * production of its call: it is in vain when the value turns out to be there.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for a method that returns neither a Promise nor an Observable
 */
export function shapeOf(call: MethodCall): Shaped {
  const { plan, original, instance } = call;
  const shape = plan.shape ?? known(original, instance, plan.method);
  if (shape !== undefined) {
    plan.shape = shape;
    return { shape, run: () => plain(call) };
  }
  const first = plain(call);
  if (isObservable(first)) plan.shape = 'observable';
  else if (isThenable(first)) plan.shape = 'promise';
  else {
    throw new CacheDecoratorError(
      `${whereOf(plan)} returned ${first === null ? 'null' : `a ${typeof first}`} where its decorator needs a Promise or an Observable: an answer from a cache comes later. Make the method async.`,
    );
  }
  // Whoever runs it handles its error; on a hit nobody does.
  if (plan.shape === 'promise') Promise.resolve(first).catch(() => undefined);
  let unused = true;
  const run = (): unknown => {
    if (!unused) return plain(call);
    unused = false;
    return first;
  };
  return { shape: plan.shape, run };
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
