import { AsyncLocalStorage } from 'node:async_hooks';
import type { AsyncContext } from './ports/context.js';

/** What one context was given, and what was there before. */
interface Link {
  readonly owner: AsyncContext;
  readonly value: object;
  readonly before: Link | undefined;
}

/**
 * One for all contexts of the process: on Node 20 every promise pays for every storage that was ever used. It keeps nothing by itself; what a
 * chain of calls carries is found by its owner, so caches do not see each other's.
 */
const storage = new AsyncLocalStorage<Link>();

/** A context of its own. Create it where no request is being served: `detached` returns to that place. */
export function createAsyncContext(): AsyncContext {
  const outside = AsyncLocalStorage.snapshot();
  const context: AsyncContext = {
    run: (value, task) => storage.run({ owner: context, value, before: without(context, storage.getStore()) }, task),
    current: () => {
      let link = storage.getStore();
      while (link !== undefined && link.owner !== context) link = link.before;
      return link?.value;
    },
    detached: (task) => outside(task),
  };
  return context;
}

/** The new value takes the place of the owner's old one: a chain of calls that never ends must not grow. */
function without(owner: AsyncContext, link: Link | undefined): Link | undefined {
  if (link === undefined) return undefined;
  if (link.owner === owner) return link.before;
  const before = without(owner, link.before);
  return before === link.before ? link : { ...link, before };
}
