import { CacheClosedError } from '../../ports/errors.js';
import { CacheKey } from '../key/key.js';
import { encodePart, encodeText } from '../key/percent-encoding.js';
import type { Call } from '../options/call.js';
import type { CallResolver } from '../options/resolve-call.js';
import type { Producer, ProducerContext, WarmUpOptions, WarmUpResult } from '../options/types.js';
import type { ReadThrough } from './get-or-set.js';
import type { Loads } from './load.js';
import type { SingleFlight } from './single-flight.js';

type Once = NonNullable<WarmUpOptions['once']>;
type FillBatch<K> = (keys: readonly K[]) => Promise<PromiseSettledResult<unknown>[]>;

export interface WarmUpParts {
  readonly calls: CallResolver;
  readonly readThrough: ReadThrough;
  readonly flights: SingleFlight;
  readonly loads: Loads;
  readonly isClosed: () => boolean;
}

/** Fills a cache in advance; with `once`, one process of the fleet does it. */
export class WarmUp {
  constructor(private readonly parts: WarmUpParts) {}

  async run<K>(
    keys: Iterable<K> | AsyncIterable<K>,
    fill: FillBatch<K>,
    options: WarmUpOptions<never>,
  ): Promise<WarmUpResult> {
    const { isClosed } = this.parts;
    const run = new WarmUpRun(keys, fill, options, isClosed);
    const { once } = options;
    let skipped = false;
    if (once === undefined || isClosed()) await run.run();
    else skipped = !(await this.#runOnce(once, run));
    return { ...run.progress, skipped, ...(run.isStopped ? { stopped: true } : undefined) };
  }

  /** @returns false when another process does it, or has done it */
  async #runOnce<K>(once: Once, run: WarmUpRun<K>): Promise<boolean> {
    const { readThrough, flights, loads } = this.parts;
    const deferred = new DeferredProducer();
    const call = this.#callFor(once, deferred.produce);
    const lookup = await readThrough.lookup(call);
    if (lookup.freshness === 'fresh' || flights.has(call.storageKey)) return false;
    const { result } = loads.start(call, lookup, 'refresh');
    try {
      // Not in the producer: it runs outside of the caller's context, without its tenant.
      const context = await Promise.race([deferred.started, result.then(() => undefined)]);
      if (context === undefined) return false;
      const progress = run.run(context.signal).then(() => {
        if (run.isStopped) context.skip();
        return run.progress;
      });
      deferred.finish(progress);
      return (await result).kind === 'produced';
    } catch (error) {
      if (!(error instanceof CacheClosedError)) throw error;
      run.isStopped = true;
      return true;
    }
  }

  /**
   * The lease of this key makes the warm-up happen once in the fleet, and is renewed while it runs.
   * No key that a user can give reads like this one. It is in the caller's tenant, as the caller's
   * plain keys are, but needs none, because it holds no data.
   */
  #callFor({ name, every, within = '1h' }: Once, producer: Producer<unknown>): Call {
    const { calls } = this.parts;
    const tenant = calls.settings.tenant();
    const encoded = tenant === undefined ? undefined : encodePart(tenant, 'tenant');
    const key = CacheKey.fromEncoded(
      encoded,
      undefined,
      `warm-up:${encodeText(name, 'once.name')}`,
    );
    const policy = calls.policy({
      ttl: every,
      jitter: 0,
      staleWhileRevalidate: 0,
      staleIfError: 0,
      refreshAhead: false,
      producerTimeout: { hard: within },
      codec: 'json',
    });
    return calls.make(key, name, producer, undefined, policy);
  }
}

/** One warm-up: batches of `batchSize` keys, `concurrency` of them at a time. */
class WarmUpRun<K> {
  readonly progress = { done: 0, failed: 0, total: 0 };
  isStopped = false;
  readonly #batchSize: number;
  readonly #concurrency: number;

  constructor(
    readonly keys: Iterable<K> | AsyncIterable<K>,
    readonly fill: FillBatch<K>,
    readonly options: WarmUpOptions<never>,
    readonly isClosed: () => boolean,
  ) {
    this.#batchSize = options.batchSize ?? 100;
    this.#concurrency = options.concurrency ?? 2;
  }

  async run(signal?: AbortSignal): Promise<void> {
    const batches = batchesOf(this.keys, this.#batchSize);
    try {
      await Promise.all(
        Array.from({ length: this.#concurrency }, () => this.#work(batches, signal)),
      );
    } finally {
      // Tells the source of the keys that no more are wanted, without waiting for it.
      batches.return(undefined).catch(() => undefined);
    }
  }

  async #work(batches: AsyncGenerator<K[], void>, signal: AbortSignal | undefined): Promise<void> {
    const { options, progress } = this;
    for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
      options.signal?.throwIfAborted();
      signal?.throwIfAborted();
      if (this.isClosed()) {
        this.isStopped = true;
        return;
      }
      progress.total += next.value.length;
      const results = await this.fill(next.value);
      progress.done += results.length;
      progress.failed += results.filter((result) => result.status === 'rejected').length;
      options.onProgress?.({ ...progress });
    }
  }
}

/** A producer whose work is done outside of it, once its lease is held. */
class DeferredProducer {
  readonly started: Promise<ProducerContext>;
  readonly produce: Producer<unknown>;
  finish!: (result: Promise<unknown>) => void;

  constructor() {
    const finished = new Promise<unknown>((resolve) => (this.finish = resolve));
    let start: (context: ProducerContext) => void;
    this.started = new Promise((resolve) => (start = resolve));
    this.produce = (context) => {
      start(context);
      return finished;
    };
  }
}

async function* batchesOf<K>(
  keys: Iterable<K> | AsyncIterable<K>,
  size: number,
): AsyncGenerator<K[], void> {
  let batch: K[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
