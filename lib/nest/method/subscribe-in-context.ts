import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable } from 'rxjs';
import type { AsyncContext } from '../../ports/context.js';

/**
 * What `handle` gives; each subscription has a value of its own, which is the current one of the context until the subscription ends. All other
 * contexts are those of whoever calls this, not of whoever subscribes: interceptors set them around `next.handle()`.
 */
export function observeIn<T>(
  context: AsyncContext,
  make: () => object,
  handle: () => Observable<T>,
): Observable<T> {
  const here = AsyncLocalStorage.snapshot();
  return new Observable((subscriber) =>
    here(() =>
      context.enter(make(), (end) => {
        subscriber.add(end);
        return handle().subscribe(subscriber);
      }),
    ),
  );
}
