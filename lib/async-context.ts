import { AsyncLocalStorage } from 'node:async_hooks';
import type { AsyncContext } from './ports/context.js';

/** What one context was given, and what was there before. */
interface Link {
  readonly owner: AsyncContext;
  readonly value: object;
  readonly parent: Link | undefined;
}

/**
 * One for all contexts of the process. It keeps nothing by itself; what a chain of calls carries is found by its owner, so caches do not see
 * each other's.
 *
 * Until Node 24 every promise of the process pays for a storage that is in use (five times its price on Node 20), so it is switched off
 * whenever nothing runs in a context: hits then cost what they would cost without it. Switching takes 1.5 µs.
 */
class SwitchedStorage {
  readonly #links = new AsyncLocalStorage<Link | undefined>();
  #users = 0;

  get current(): Link | undefined {
    return this.#links.getStore();
  }

  /** `task` is to call `end`, once or more, when nothing it started needs the link any longer. */
  run<T>(link: Link, task: (end: () => void) => T): T {
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      if (--this.#users === 0) this.#links.disable();
    };
    this.#users++;
    try {
      return this.#links.run(link, task, end);
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Before Node 24 a snapshot is one place for all who return to it: it has whatever link somebody further up has begun there. */
  runWithoutContext<T>(task: () => T): T {
    return this.current === undefined ? task() : this.#links.run(undefined, task);
  }
}

const storage = new SwitchedStorage();

/** A context of its own. Create it where no request is being served: `detached` returns to that place. */
export function createAsyncContext(): AsyncContext {
  const outside = AsyncLocalStorage.snapshot();
  const context: AsyncContext = {
    run: (value, task) =>
      context.enter(value, (end) => {
        const running = task();
        running.then(end, end);
        return running;
      }),
    enter: (value, task) =>
      storage.run({ owner: context, value, parent: removeOwner(context, storage.current) }, task),
    current: () => {
      let link = storage.current;
      while (link !== undefined && link.owner !== context) link = link.parent;
      return link?.value;
    },
    runOutside: (task) => outside(() => storage.runWithoutContext(task)),
  };
  return context;
}

/** The new value takes the place of the owner's old one: a chain of calls that never ends must not grow. */
function removeOwner(owner: AsyncContext, link: Link | undefined): Link | undefined {
  if (link === undefined) return undefined;
  if (link.owner === owner) return link.parent;
  const before = removeOwner(owner, link.parent);
  return before === link.parent ? link : { ...link, parent: before };
}
