import type { Call } from '../options/call.js';
import { BatchCollector } from './batch-collector.js';
import type { Engine } from '../compose.js';
import type { CallResolver } from '../options/resolve-call.js';
import { warmUpCallOptions, assertBatch, assertArray } from '../options/validate-call.js';
import { AT_ONCE, inParts } from './parts.js';
import { Shared, type Taker } from './shared-value.js';
import type {
  BatchProducer,
  GetOrSetOptions,
  KeyLike,
  ProducerContext,
  WarmUpOptions,
  WarmUpResult,
} from '../options/types.js';
import type { UnitOfWorkRegistry } from '../invalidate/unit-of-work.js';
import { WarmUp } from './warm-up.js';

/** A batch waits for the backend as long as a single call does, and as long again for each of so many keys. */
const KEYS_A_DEADLINE = 50;

/** Many keys at once, over the same path as one: looks travel together, what is missing is produced in one call. */
export class BatchReads {
  readonly #warmUp: WarmUp;
  #closed = false;

  constructor(
    readonly engine: Engine,
    readonly calls: CallResolver,
    readonly units: UnitOfWorkRegistry,
  ) {
    this.#warmUp = new WarmUp(engine, calls);
  }

  async getOrSetMany<K extends KeyLike>(
    keys: readonly K[],
    produceMissing: BatchProducer<unknown, K>,
    options: GetOrSetOptions<never> | undefined,
  ): Promise<PromiseSettledResult<unknown>[]> {
    assertBatch(keys, produceMissing);
    const { engine } = this;
    const places = new Map<string, number>();
    const distinct: K[] = [];
    const calls: Call[] = [];
    const bulk = new BatchCollector((indexes, context) => {
      const missing = indexes.map((index) => distinct[index] as K);
      return this.calls.runAsTenant(context, async () => produceMissing(missing, context));
    }, engine.context);
    const which = keys.map((key) => {
      const index = distinct.length;
      const call = this.calls.call(
        key,
        (context: ProducerContext) => bulk.request(index, context),
        options,
      );
      const known = places.get(call.storageKey);
      if (known !== undefined) return known;
      places.set(call.storageKey, index);
      distinct.push(key);
      calls.push(call);
      bulk.expect(index);
      return index;
    });
    // Each waits for its turn behind the others, so they are given time together.
    const patience =
      (1 + Math.floor(Math.min(calls.length, AT_ONCE) / KEYS_A_DEADLINE)) *
      engine.settings.backendTimeout;
    const answers: Promise<Taker>[] = [];
    for (const [index, call] of calls.entries()) {
      if (index > 0 && index % AT_ONCE === 0) await bulk.unreported(calls.length - index);
      call.backendBy = engine.tiers.clock.now() + patience;
      answers.push(this.#start(call, index, bulk));
    }
    const settled = await Promise.allSettled(answers);
    return which.map((index) => valueOf(settled[index]));
  }

  async getMany<R>(keys: readonly KeyLike[], get: (key: KeyLike) => Promise<R>): Promise<R[]> {
    return inParts(assertArray(keys, 'getMany: keys'), get);
  }

  async warmUp<K extends KeyLike>(
    keys: Iterable<K> | AsyncIterable<K>,
    produceMissing: BatchProducer<unknown, K>,
    options: WarmUpOptions<never> | undefined,
  ): Promise<WarmUpResult> {
    const calls = warmUpCallOptions(keys, produceMissing, options);
    return this.#warmUp.run(
      keys,
      (some) => this.getOrSetMany(some, produceMissing, calls),
      options ?? {},
    );
  }

  close(): void {
    this.#closed = true;
    this.#warmUp.close();
  }

  #start(call: Call, index: number, bulk: BatchCollector): Promise<Taker> {
    call.onRefresh = (landing) => {
      bulk.refreshes(landing);
    };
    const report = (call.onWait = (): void => {
      bulk.report(index);
    });
    const answer = this.#take(call);
    answer.then(report, report);
    return answer;
  }

  /** What is produced in a unit of work, or after the cache was closed, is not stored; but it is produced in one call as well. */
  async #take(call: Call): Promise<Taker> {
    const { engine, units } = this;
    if (!this.#closed) {
      if (units.current === undefined)
        return (await engine.count(call, engine.readThrough.run(call))).taker;
      const found = await units.find(call);
      if (found !== undefined) return found.taker;
    }
    return new Shared(await engine.bypass(call));
  }
}

function valueOf(result: PromiseSettledResult<Taker> | undefined): PromiseSettledResult<unknown> {
  if (result?.status === 'fulfilled') return { status: 'fulfilled', value: result.value.take() };
  const reason: unknown = result?.reason;
  return { status: 'rejected', reason };
}
