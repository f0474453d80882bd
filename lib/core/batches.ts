import { CacheConfigError } from '../ports/errors.js';
import type { Call } from './call.js';
import { Bulk } from './bulk.js';
import type { Engine } from './engine.js';
import type { Answer } from './get-or-set.js';
import { CacheKey } from './key.js';
import type { EntryOptions, WarmUpOptions, WarmUpProgress, WarmUpResult } from './types.js';

/** A batch waits for the backend as long as a single call does, and as long again for each of so many keys. */
const KEYS_A_DEADLINE = 50;

/** Many keys at once, over the same path as one: looks travel together, what is missing is produced in one call. */
export class Batches {
  constructor(readonly engine: Engine) {}

  /** @param makeCall the call of one key with the producer it is given */
  async getOrSetMany<K>(
    keys: readonly K[],
    makeCall: (key: K, producer: () => Promise<unknown>) => Call,
    produceMissing: (missing: readonly K[]) => Promise<readonly unknown[]> | readonly unknown[],
  ): Promise<PromiseSettledResult<unknown>[]> {
    const { engine } = this;
    const places = new Map<string, number>();
    const distinct: K[] = [];
    const calls: Call[] = [];
    const bulk: { current?: Bulk } = {};
    const which = keys.map((key) => {
      const index = distinct.length;
      const call = makeCall(key, () => bulk.current?.request(index) ?? Promise.resolve(undefined));
      const known = places.get(call.storageKey);
      if (known !== undefined) return known;
      places.set(call.storageKey, index);
      distinct.push(key);
      calls.push(call);
      return index;
    });
    // Each waits for its turn behind the others, so they are given time together.
    const patience = Math.floor(calls.length / KEYS_A_DEADLINE) * engine.settings.backendTimeout;
    for (const call of calls) call.backendBy += patience;
    const made = new Bulk(calls.length, async (indexes) => produceMissing(indexes.map((index) => distinct[index] as K)), engine.context);
    bulk.current = made;
    const answers = calls.map((call, index) => {
      call.onWait = () => {
        made.report(index);
      };
      const answer = engine.count(call, engine.readThrough.run(call));
      const report = (): void => {
        made.report(index);
      };
      answer.then(report, report);
      return answer;
    });
    const settled = await Promise.allSettled(answers);
    return which.map((index) => valueOf(settled[index]));
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

function valueOf(result: PromiseSettledResult<Answer> | undefined): PromiseSettledResult<unknown> {
  if (result?.status === 'fulfilled') return { status: 'fulfilled', value: result.value.taker.take() };
  const reason: unknown = result?.reason;
  return { status: 'rejected', reason };
}
