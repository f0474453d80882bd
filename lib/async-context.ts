import { AsyncLocalStorage } from 'node:async_hooks';
import type { AsyncContext } from './ports/context.js';

/** The context of one cache. Create it where no request is being served: `detached` returns to that place. */
export function createAsyncContext(): AsyncContext {
  const storage = new AsyncLocalStorage<object>();
  const outside = AsyncLocalStorage.snapshot();
  return {
    run: (value, task) => storage.run(value, task),
    current: () => storage.getStore(),
    detached: (task) => outside(task),
  };
}
