import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';

/** How a call was answered. */
export type Outcome = 'hit' | 'stale' | 'fallback' | 'miss' | 'joined' | 'error';

/**
 * `key` is the storage key's segment and a hash unless `exposeKeys` is set; values never appear.
 *
 * - `outcome`: one for each `get` and `getOrSet`, with the `tier` that answered; none for calls that
 *   bypass the cache (closed, or in a unit of work that finds nothing to use)
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

/** Events of one cache. Without listeners no event is made, so it costs nothing. */
export class CacheEvents {
  readonly #listeners = new Set<CacheListener>();
  readonly #problemListeners = new Set<CacheListener>();
  readonly #warn: (error: unknown) => void;

  /** @param warn takes the errors that listeners throw */
  constructor(warn: (error: unknown) => void) {
    this.#warn = warn;
  }

  /** Ask before making an event. */
  get hasListeners(): boolean {
    return this.#listeners.size !== 0 || this.#problemListeners.size !== 0;
  }

  /** True when the `outcome` of each call is listened to: naming its key costs a hash. */
  get hasOutcomeListeners(): boolean {
    return this.#listeners.size !== 0;
  }

  /**
   * The returned function ends it. A listener that throws does not disturb the cache: its error
   * becomes a process warning.
   */
  on(listener: CacheListener): () => void {
    checkListener(listener, 'on');
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `on`, without `outcome` events: costs nothing while all goes well. */
  onProblem(listener: CacheListener): () => void {
    checkListener(listener, 'onProblem');
    this.#problemListeners.add(listener);
    return () => this.#problemListeners.delete(listener);
  }

  emit(event: CacheEvent): void {
    for (const listener of this.#listeners) this.#notify(listener, event);
    if (event.type !== 'outcome')
      for (const listener of this.#problemListeners) this.#notify(listener, event);
  }

  #notify(listener: CacheListener, event: CacheEvent): void {
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
    `events.${method} takes one function, called for events of every type: ` +
      `events.${method}((event) => { ... }); got ${formatValue(given)}.`,
  );
}
