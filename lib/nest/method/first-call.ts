import { from, isObservable, mergeMap, Observable, of } from 'rxjs';
import { type MethodCall, plain, type Run } from './method-call.js';
import { learnShape, type Shape } from './method-shape.js';

/** The method gave an Observable where a Promise was tried: its value cannot be kept in this way. */
class GaveObservable extends Error {}

/**
 * A call of a method of which nothing says what it returns, until one of its calls has shown it. Whether it has to run at all, and when, is known
 * only later (evictions may come before it), but its caller wants an answer now: so the answer is a Promise that can be subscribed to as well.
 *
 * @param through the way of a call of that shape; `run` runs the method, `running` tells that that was done before
 */
export function firstCall(
  call: MethodCall,
  through: (shape: Shape, run: Run, running: boolean) => unknown,
): Promise<unknown> {
  let own: Observable<unknown> | undefined;
  const find: Run = (running) => {
    const given = plain(running);
    if (learnShape(call, given) === 'promise') return given;
    if (running === call) own = given as Observable<unknown>;
    throw new GaveObservable();
  };
  const answer = async (): Promise<unknown> => {
    try {
      return await through('promise', find, false);
    } catch (error) {
      if (!(error instanceof GaveObservable)) throw error;
      // It may have been the method of another caller that ran.
      return through(
        'observable',
        (called) => (called === call ? own : undefined) ?? plain(called),
        own !== undefined,
      );
    }
  };
  return subscribable(answer());
}

/** An Observable in a Promise is its values. */
function subscribable(promise: Promise<unknown>): Promise<unknown> {
  const stream = from(promise).pipe(mergeMap((given) => (isObservable(given) ? given : of(given))));
  const methods: PropertyDescriptorMap = {};
  for (const name of Reflect.ownKeys(Observable.prototype)) {
    const method: unknown = Reflect.get(stream, name);
    if (name === 'constructor' || typeof method !== 'function') continue;
    methods[name] = { value: method.bind(stream) as unknown, configurable: true, writable: true };
  }
  return Object.defineProperties(promise, methods);
}
