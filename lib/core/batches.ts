import { CacheConfigError } from '../ports/errors.js';
import type { Call } from './call.js';
import { Bulk } from './bulk.js';
import type { Engine } from './engine.js';
import type { CallMaker } from './call-maker.js';
import { CacheKey } from './key.js';
import { Shared, type Taker } from './taker.js';
import type {
  BatchProducer,
  EntryOptions,
  GetOrSetOptions,
  KeyLike,
  ProducerContext,
  WarmUpOptions,
  WarmUpProgress,
  WarmUpResult,
} from './types.js';
import type { Units } from './unit-of-work.js';

/** This many keys of a batch are looked up at once: each has to be answered within `backendTimeout`. */
const AT_ONCE = 1_000;

/** Many keys at once, over the same path as one: looks travel together, what is missing is produced in one call. */
export class Batches {
  #closed = false;

  constructor(
    readonly engine: Engine,
    readonly calls: CallMaker,
    readonly units: Units,
  ) {}

  async getOrSetMany<K extends KeyLike>(
    keys: readonly K[],
    produceMissing: BatchProducer<unknown, K>,
    options: GetOrSetOptions<never> | undefined,
  ): Promise<PromiseSettledResult<unknown>[]> {
    const { engine } = this;
    const places = new Map<string, number>();
    const distinct: K[] = [];
    const calls: Call[] = [];
    const bulk = new Bulk(
      async (indexes, context) =>
        produceMissing(
          indexes.map((index) => distinct[index] as K),
          context,
        ),
      engine.context,
    );
    const which = keys.map((key) => {
      const index = distinct.length;
      const call = this.calls.call(key, (context: ProducerContext) => bulk.request(index, context), options);
      const known = places.get(call.storageKey);
      if (known !== undefined) return known;
      places.set(call.storageKey, index);
      distinct.push(key);
      calls.push(call);
      bulk.expect(index);
      return index;
    });
    const answers: Promise<Taker>[] = [];
    for (const [index, call] of calls.entries()) {
      if (index > 0 && index % AT_ONCE === 0) {
        await bulk.unreported(calls.length - index);
      }
      answers.push(this.#start(call, index, bulk));
    }
    const settled = await Promise.allSettled(answers);
    return which.map((index) => valueOf(settled[index]));
  }

  close(): void {
    this.#closed = true;
  }

  #start(call: Call, index: number, bulk: Bulk): Promise<Taker> {
    call.backendBy = this.engine.tiers.clock.now() + this.engine.settings.backendTimeout;
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
      if (units.current === undefined) return (await engine.count(call, engine.readThrough.run(call))).taker;
      const found = await units.find(call);
      if (found !== undefined) return found.taker;
    }
    return new Shared(await engine.bypass(call));
  }

  /** Batches of `batchSize` keys, `concurrency` of them at a time; one process of the fleet when it is to be done `once`. */
  async warmUp<K>(
    keys: Iterable<K> | AsyncIterable<K>,
    batch: (keys: readonly K[]) => Promise<PromiseSettledResult<unknown>[]>,
    options: WarmUpOptions<never>,
    makeCall: (key: CacheKey, producer: () => Promise<unknown>, options: EntryOptions<never>) => Call,
  ): Promise<WarmUpResult> {
    const batchSize = wholeNumber(options.batchSize ?? 100, 'batchSize');
    const concurrency = wholeNumber(options.concurrency ?? 2, 'concurrency');
    const progress = { done: 0, failed: 0, total: 0 };
    const run = async (): Promise<WarmUpProgress> => {
      const batches = batchesOf(keys, batchSize);
      const worker = async (): Promise<void> => {
        for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
          options.signal?.throwIfAborted();
          progress.total += next.value.length;
          const results = await batch(next.value);
          progress.done += results.length;
          progress.failed += results.filter((result) => result.status === 'rejected').length;
          options.onProgress?.({ ...progress });
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      return { ...progress };
    };
    const { once } = options;
    if (once === undefined) return { ...(await run()), skipped: false };
    const key = CacheKey.builder().segment('warm-up').param('name', once.name).build();
    // The lease of this key makes it once in the fleet; it is renewed for as long as the warm-up runs.
    const call = makeCall(key, run, { ttl: once.every, jitter: 0, producerTimeout: { hard: once.within ?? '1h' } });
    const ran = await this.#once(call);
    return { ...progress, skipped: !ran };
  }

  async #once(call: Call): Promise<boolean> {
    const { readThrough, flights } = this.engine;
    const look = await readThrough.look(call, false);
    if (look.verdict === 'fresh' || flights.find(call.storageKey) !== undefined) return false;
    const landing = await readThrough.parts.loader.start(call, look, true, 0).landing;
    return landing.kind === 'produced';
  }
}

function wholeNumber(given: number, name: string): number {
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new CacheConfigError(`warmUp: ${name} must be a positive whole number; got ${String(given)}.`);
}

async function* batchesOf<K>(keys: Iterable<K> | AsyncIterable<K>, size: number): AsyncGenerator<K[]> {
  let batch: K[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function valueOf(result: PromiseSettledResult<Taker> | undefined): PromiseSettledResult<unknown> {
  if (result?.status === 'fulfilled') return { status: 'fulfilled', value: result.value.take() };
  const reason: unknown = result?.reason;
  return { status: 'rejected', reason };
}
