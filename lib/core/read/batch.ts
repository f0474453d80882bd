import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import type { Millis } from '../../ports/time.js';
import type { Call } from '../options/call.js';
import type { CallResolver } from '../options/resolve-call.js';
import type { BatchProducer, GetOrSetOptions, KeyLike, ProducerContext } from '../options/types.js';
import { assertBatch } from '../options/validate-call.js';
import { BatchCollector } from './batch-collector.js';
import { MAX_CONCURRENT_KEYS } from './map-in-chunks.js';
import type { ValueHandle } from './shared-value.js';

/** So many keys of a batch wait for the backend as long as a single call does. */
const KEYS_PER_TIMEOUT = 50;

export interface BatchParts {
  readonly calls: CallResolver;
  readonly context: AsyncContext;
  readonly clock: Clock;
  readonly backendTimeout: Millis;
  /** The path of a single call. */
  readonly getOrSet: (call: Call) => Promise<ValueHandle>;
}

/** Many keys at once, over the path of one: lookups travel together, productions are one call. */
export class BatchReads {
  constructor(private readonly parts: BatchParts) {}

  /** @returns one settled result per key, in the order of the keys */
  async getOrSetMany<K extends KeyLike>(
    keys: readonly K[],
    produceMissing: BatchProducer<unknown, K>,
    options: GetOrSetOptions<never> | undefined,
  ): Promise<PromiseSettledResult<unknown>[]> {
    assertBatch(keys, produceMissing);
    const { calls: resolver, clock, context, backendTimeout } = this.parts;
    const distinct: K[] = [];
    const calls: Call[] = [];
    const indexOf = new Map<string, number>();
    const collector = new BatchCollector((indexes, merged) => {
      const missing = indexes.map((index) => distinct[index] as K);
      return resolver.runAsTenant(merged, async () => produceMissing(missing, merged));
    }, context);
    const positions = keys.map((key) => {
      const index = distinct.length;
      const producer = (own: ProducerContext): unknown => collector.produce(index, own);
      const call = resolver.call(key, producer, options);
      const known = indexOf.get(call.storageKey);
      if (known !== undefined) return known;
      indexOf.set(call.storageKey, index);
      distinct.push(key);
      calls.push(call);
      collector.add(index);
      return index;
    });
    // Each waits behind the others, so they share their time.
    const concurrent = Math.min(calls.length, MAX_CONCURRENT_KEYS);
    const timeoutMs = (1 + Math.floor(concurrent / KEYS_PER_TIMEOUT)) * backendTimeout;
    const answers: Promise<ValueHandle>[] = [];
    for (const [index, call] of calls.entries()) {
      if (index > 0 && index % MAX_CONCURRENT_KEYS === 0) {
        await collector.whenPending(calls.length - index);
      }
      call.backendBy = clock.now() + timeoutMs;
      answers.push(this.#start(call, index, collector));
    }
    const settled = await Promise.allSettled(answers);
    return positions.map((index) => valueOf(settled[index]));
  }

  #start(call: Call, index: number, collector: BatchCollector): Promise<ValueHandle> {
    const settle = (): void => {
      collector.settle(index);
    };
    call.onWait = settle;
    call.onRefresh = (result) => {
      collector.onRefresh(result);
    };
    const answer = this.parts.getOrSet(call);
    answer.then(settle, settle);
    return answer;
  }
}

function valueOf(
  result: PromiseSettledResult<ValueHandle> | undefined,
): PromiseSettledResult<unknown> {
  if (result?.status === 'fulfilled') return { status: 'fulfilled', value: result.value.value() };
  const reason: unknown = result?.reason;
  return { status: 'rejected', reason };
}
