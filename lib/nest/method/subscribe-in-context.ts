import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable } from 'rxjs';
import type { AsyncContext } from '../../ports/context.js';

/**
 * The stream that `handle` returns; each subscription has a value of its own, which is the current
 * one of `context` until the subscription ends. All other async contexts are those of the caller of
 * this function, not of the subscriber: interceptors set them around `next.handle()`.
 */
export function subscribeInContext<T>(
  context: AsyncContext,
  createValue: () => object,
  handle: () => Observable<T>,
): Observable<T> {
  const runInCallersContext = AsyncLocalStorage.snapshot();
  return new Observable((subscriber) =>
    runInCallersContext(() =>
      context.enter(createValue(), (end) => {
        subscriber.add(end);
        return handle().subscribe(subscriber);
      }),
    ),
  );
}
