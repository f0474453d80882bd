import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';

/** What came of one call. */
export type Outcome = 'hit' | 'stale' | 'fallback' | 'miss' | 'joined' | 'error';

/**
 * What happened. `key` is the storage key's segment and hash unless `exposeKeys` is set; values never appear.
 *
 * - `outcome`: exactly one for each `get` and `getOrSet`, with `tier` where the answer came from; none for calls that go past the cache (closed, or
 *   in a unit of work that finds nothing to use)
 * - `corrupt`: stored bytes were not readable; counted as a miss, replaced by the next fill
 * - `unstorable`: the caller got the value, it was not stored
 * - `fill_refused`: an invalidation overtook the load or put, its result was not stored
 * - `write_failed`, `backend_problem`, `backend_state`: the backend; calls go on without it
 * - `refresh_failed`: a background refresh failed; the stale value stays in use within its window
 * - `callback_failed`: a callback of the options threw; the call went on without the cache
 * - `notices_missed`: notices may have been missed, L1 was emptied
 * - `invalidated`: an invalidation of this process; `durable: false` while it waits in the journal
 * - `journal_replayed`: the backend has the invalidations that waited in the journal
 * - `journal_overflowed`: too many waited; the whole namespace was invalidated instead
 */
export type CacheEvent =
  | {
      readonly type: 'outcome';
      readonly outcome: Outcome;
      readonly tier: 'l1' | 'l2' | undefined;
      readonly key: string;
    }
  | {
      readonly type:
        'corrupt' | 'unstorable' | 'write_failed' | 'producer_error' | 'refresh_failed';
      readonly key: string;
      readonly error: unknown;
    }
  | { readonly type: 'fill_refused'; readonly key: string }
  | { readonly type: 'backend_problem'; readonly operation: string; readonly error: unknown }
  | { readonly type: 'backend_state'; readonly state: 'up' | 'down' }
  | {
      readonly type: 'callback_failed';
      readonly callback: string;
      readonly key: string;
      readonly error: unknown;
    }
  | { readonly type: 'notices_missed'; readonly reason: string }
  | {
      readonly type: 'invalidated';
      readonly durable: boolean;
      readonly keys: number;
      readonly groups: number;
    }
  | { readonly type: 'journal_replayed' | 'journal_overflowed'; readonly count: number };

export type CacheListener = (event: CacheEvent) => void;

/** Events of one cache. Costs nothing when nobody listens: events are then not even made. */
export class CacheEvents {
  readonly #listeners = new Set<CacheListener>();
  readonly #troubleListeners = new Set<CacheListener>();
  readonly #warn: (error: unknown) => void;

  /** @param warn told of an error that a listener threw */
  constructor(warn: (error: unknown) => void) {
    this.#warn = warn;
  }

  /** True when somebody listens: ask before making an event. */
  get hasListeners(): boolean {
    return this.#listeners.size !== 0 || this.#troubleListeners.size !== 0;
  }

  /** True when somebody listens to the `outcome` of each call: naming its key costs a hash. */
  get hasOutcomeListeners(): boolean {
    return this.#listeners.size !== 0;
  }

  /** The returned function ends it. A listener that throws does not disturb the cache: its error becomes a process warning. */
  on(listener: CacheListener): () => void {
    checkListener(listener, 'on');
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `on`, without the `outcome` events: for listeners that must cost nothing while all goes well. */
  onProblem(listener: CacheListener): () => void {
    checkListener(listener, 'onTrouble');
    this.#troubleListeners.add(listener);
    return () => this.#troubleListeners.delete(listener);
  }

  emit(event: CacheEvent): void {
    for (const listener of this.#listeners) this.#tell(listener, event);
    if (event.type !== 'outcome')
      for (const listener of this.#troubleListeners) this.#tell(listener, event);
  }

  #tell(listener: CacheListener, event: CacheEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#warn(error);
    }
  }
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
function checkListener(given: unknown, method: string): void {
  if (typeof given === 'function') return;
  throw new CacheConfigError(
    `events.${method} takes one function, called for events of every type: events.${method}((event) => { ... }); got ${formatValue(given)}.`,
  );
}
