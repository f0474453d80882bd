import type { AsyncContext } from '../../ports/context.js';
import { CacheConfigError, NotDurableError } from '../../ports/errors.js';
import type { Call } from '../options/call.js';
import { assertTask } from '../options/validate-call.js';
import type { Engine } from '../compose.js';
import { clearRequestChange, toChanges } from './request.js';
import { InvalidationRules } from './rules.js';
import type { Change } from '../groups/journal.js';
import { inParts } from '../read/parts.js';
import { type CacheKey, storageKey } from '../key/key.js';
import { describeType } from '../key/percent-encoding.js';
import type { PendingPut } from './pending-put.js';
import type { InvalidateRequest, InvalidationResult, InvalidationRule } from '../options/types.js';
import type { UnitOfWorkRegistry, UnitOfWorkOptions } from './unit-of-work.js';
import { InvalidationTracker } from './invalidation-tracker.js';

const DEFERRED: InvalidationResult = Object.freeze({ durable: false, held: true });

/** Everything that takes something out of the cache or replaces it: at once, or at the end of the unit of work it is called in. */
export class Invalidations {
  readonly rules = new InvalidationRules();
  readonly waiting: InvalidationTracker;
  #closed = false;

  constructor(
    readonly engine: Engine,
    readonly units: UnitOfWorkRegistry,
    context: AsyncContext,
    rules: readonly InvalidationRule[],
  ) {
    this.waiting = new InvalidationTracker(context);
    this.rules.add(...rules);
  }

  async invalidate(request: InvalidateRequest): Promise<InvalidationResult> {
    return this.#apply(toChanges(request, this.engine.settings));
  }

  async event(event: object): Promise<InvalidationResult & { readonly requests: number }> {
    if (typeof event !== 'object' || (event as unknown) === null)
      throw new CacheConfigError(
        `apply: give the event, an instance of its class; got ${describeType(event)}.`,
      );
    const requests = this.rules.requestsOf(event);
    const changes = requests.flatMap((request) => toChanges(request, this.engine.settings));
    return {
      ...(changes.length === 0 ? { durable: true } : await this.#apply(changes)),
      requests: requests.length,
    };
  }

  async clear(request: Parameters<typeof clearRequestChange>[0]): Promise<InvalidationResult> {
    return this.#apply([clearRequestChange(request)]);
  }

  /**
   * @param describe makes the call of the options that were given
   * @param pending for the result of a method
   * @throws what makes the value impossible to describe or to encode; that there is a new one makes the old one old, so it is then removed
   */
  async put(
    key: CacheKey,
    describe: () => Call,
    value: unknown,
    pending?: PendingPut,
  ): Promise<InvalidationResult> {
    const { puts, settings } = this.engine;
    const removal: Change = {
      kind: 'keys',
      keys: [storageKey(key)],
      settleMs: settings.replicaLag,
    };
    try {
      const call = describe();
      // What a transaction may still take back is not given to others: after its end the key is produced anew.
      if (this.units.hold([removal])) return DEFERRED;
      if (this.#closed) return this.#result(false);
      return this.#result(
        await this.waiting.note(
          pending === undefined ? puts.set(call, value) : puts.replace(pending, call, value),
        ),
      );
    } catch (error) {
      if (!(error instanceof NotDurableError)) await this.#apply([removal]);
      throw error;
    }
  }

  /** From now on nothing is changed, and said to be. */
  close(): void {
    this.#closed = true;
  }

  /** Several changes, told of as one. */
  async many<I>(
    items: readonly I[],
    change: (item: I) => Promise<InvalidationResult>,
  ): Promise<InvalidationResult> {
    // In a unit of work all are held at once, and outside all are waited for by whoever waits: also those that come later.
    const running =
      this.units.current === undefined
        ? this.waiting.note(inParts(items, change))
        : Promise.all(items.map(change));
    const results = await running;
    return results.some(({ held }) => held === true)
      ? DEFERRED
      : { durable: results.every(({ durable }) => durable) };
  }

  async unitOfWork<T>(
    task: () => Promise<T> | T,
    options: UnitOfWorkOptions | undefined,
  ): Promise<T> {
    assertTask('unitOfWork', task, options);
    return this.units.run(
      task,
      async (changes) => changes.length === 0 || this.#apply(changes),
      options,
    );
  }

  async #apply(changes: readonly Change[]): Promise<InvalidationResult> {
    if (this.units.hold(changes)) return DEFERRED;
    if (this.#closed) return this.#result(false);
    return this.#result(await this.waiting.note(this.engine.apply(changes)));
  }

  #result(durable: boolean): InvalidationResult {
    if (!durable && this.engine.settings.strict) {
      throw new NotDurableError(
        this.#closed
          ? 'The cache is closed, so nothing was changed. Change what is stored before close().'
          : 'The change took effect in this process, but the backend could not be reached. It is kept and repeated when the backend is back; repeat it yourself only if this process ends before.',
      );
    }
    return { durable };
  }
}
