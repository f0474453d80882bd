import type { AsyncContext } from '../../ports/context.js';
import { CacheConfigError, CacheKeyError, NotDurableError } from '../../ports/errors.js';
import type { Change } from '../groups/journal.js';
import { type CacheKey, storageKey } from '../key/key.js';
import { describeType } from '../key/percent-encoding.js';
import type { Call } from '../options/call.js';
import type { Settings } from '../options/options.js';
import type { InvalidateRequest, InvalidationResult, InvalidationRule } from '../options/types.js';
import { assertTask } from '../options/validate-call.js';
import type { Flight } from '../read/flight.js';
import { mapInChunks } from '../read/map-in-chunks.js';
import { InvalidationTracker } from './invalidation-tracker.js';
import type { Puts } from './put.js';
import { clearRequestChange, toChanges } from './request.js';
import { InvalidationRules } from './rules.js';
import type { Sets } from './set.js';
import type { UnitOfWorkOptions, UnitOfWorkRegistry } from './unit-of-work.js';

const DEFERRED: InvalidationResult = Object.freeze({ durable: false, held: true });

export interface InvalidationsParts {
  readonly settings: Settings;
  readonly units: UnitOfWorkRegistry;
  readonly sets: Sets;
  readonly puts: Puts;
  /** Carries changes out and counts them. @returns false when some wait in the journal */
  readonly apply: (changes: readonly Change[]) => Promise<boolean>;
}

/**
 * Everything that takes something out of the cache or replaces it: at once, or at the end of the
 * unit of work in which it is called.
 */
export class Invalidations {
  readonly rules = new InvalidationRules();
  readonly tracker: InvalidationTracker;
  #isClosed = false;

  constructor(
    private readonly parts: InvalidationsParts,
    context: AsyncContext,
    rules: readonly InvalidationRule[],
  ) {
    this.tracker = new InvalidationTracker(context);
    this.rules.add(...rules);
  }

  async invalidate(request: InvalidateRequest): Promise<InvalidationResult> {
    return this.#apply(toChanges(request, this.parts.settings));
  }

  async applyEvent(event: object): Promise<InvalidationResult & { readonly requests: number }> {
    if (typeof event !== 'object' || (event as unknown) === null) {
      throw new CacheConfigError(
        `apply: give the event, an instance of its class; got ${describeType(event)}.`,
      );
    }
    const requests = this.rules.requestsOf(event);
    const changes = requests.flatMap((request) => toChanges(request, this.parts.settings));
    const result = changes.length === 0 ? { durable: true } : await this.#apply(changes);
    return { ...result, requests: requests.length };
  }

  async clear(request: Parameters<typeof clearRequestChange>[0]): Promise<InvalidationResult> {
    return this.#apply([clearRequestChange(request)]);
  }

  /**
   * @param describe makes the call from the options that were given
   * @throws what makes the value impossible to describe or encode. That there is a new value makes
   * the old one old, so it is deleted in any case
   */
  async set(key: CacheKey, describe: () => Call, value: unknown): Promise<InvalidationResult> {
    return this.#store(key, describe, (call) => this.parts.sets.set(call, value));
  }

  /** Before a method whose result replaces what is stored. One round trip; never rejects. */
  async beginPut(call: Call): Promise<Flight> {
    const { units, puts } = this.parts;
    // Inside a unit of work nothing is stored, so nothing is asked.
    return units.current === undefined && !this.#isClosed ? puts.begin(call) : puts.unfenced(call);
  }

  /**
   * @param key once more: a method may change the arguments that its key is made of
   * @throws CacheKeyError (`CACHE_KEY`) when it has; both keys are then deleted
   */
  async storePut(
    put: Flight,
    key: CacheKey,
    describe: () => Call,
    value: unknown,
  ): Promise<InvalidationResult> {
    const begun = put.call.key;
    if (key.text !== begun.text) {
      await this.invalidate({ keys: [key, begun] });
      throw new CacheKeyError(
        'The method has changed the arguments that its key is made of. What was stored under the ' +
          'keys before and after the method was deleted. Make the key of arguments that the ' +
          'method does not change.',
      );
    }
    return this.#store(key, describe, (call) => this.parts.puts.store(put, call, value));
  }

  endPut(put: Flight): void {
    this.parts.puts.end(put);
  }

  /** Several changes with one result. */
  async all<I>(
    items: readonly I[],
    change: (item: I) => Promise<InvalidationResult>,
  ): Promise<InvalidationResult> {
    const { units } = this.parts;
    // In a unit of work all are deferred at once. Outside, a task that is tracked waits for all of
    // them, also for those that start later.
    const results =
      units.current === undefined
        ? await this.tracker.track(mapInChunks(items, change))
        : await Promise.all(items.map(change));
    if (results.some(({ held }) => held === true)) return DEFERRED;
    return { durable: results.every(({ durable }) => durable) };
  }

  async unitOfWork<T>(
    task: () => Promise<T> | T,
    options: UnitOfWorkOptions | undefined,
  ): Promise<T> {
    assertTask('unitOfWork', task, options);
    const flush = async (changes: readonly Change[]): Promise<unknown> =>
      changes.length === 0 || this.#apply(changes);
    return this.parts.units.run(task, flush, options);
  }

  /** From now on nothing is changed, and every result says so. */
  close(): void {
    this.#isClosed = true;
  }

  async #store(
    key: CacheKey,
    describe: () => Call,
    store: (call: Call) => Promise<boolean>,
  ): Promise<InvalidationResult> {
    const { settings, units } = this.parts;
    const deletion: Change = {
      kind: 'keys',
      keys: [storageKey(key)],
      settleMs: settings.replicaLag,
    };
    try {
      const call = describe();
      // What a transaction may still roll back is not given to others: the key is deleted when it
      // has ended.
      if (units.defer([deletion])) return DEFERRED;
      if (this.#isClosed) return this.#result(false);
      return this.#result(await this.tracker.track(store(call)));
    } catch (error) {
      if (!(error instanceof NotDurableError)) await this.#apply([deletion]);
      throw error;
    }
  }

  async #apply(changes: readonly Change[]): Promise<InvalidationResult> {
    if (this.parts.units.defer(changes)) return DEFERRED;
    if (this.#isClosed) return this.#result(false);
    return this.#result(await this.tracker.track(this.parts.apply(changes)));
  }

  #result(durable: boolean): InvalidationResult {
    if (durable || !this.parts.settings.strict) return { durable };
    throw new NotDurableError(
      this.#isClosed
        ? 'The cache is closed, so nothing was changed. Change what is stored before close().'
        : 'The change took effect in this process, but the backend could not be reached. It is ' +
            'kept and repeated when the backend is back; repeat it yourself only if this process ' +
            'ends before.',
    );
  }
}
