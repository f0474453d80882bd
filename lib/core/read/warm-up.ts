import { CacheClosedError, CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';
import type { Call } from '../options/call.js';
import type { CallResolver } from '../options/resolve-call.js';
import type { Engine } from '../compose.js';
import { CacheKey } from '../key/key.js';
import { encodePart, encodeText } from '../key/percent-encoding.js';
import type { Producer, ProducerContext, WarmUpOptions, WarmUpResult } from '../options/types.js';

type Once = NonNullable<WarmUpOptions['once']>;
type FillBatch<K> = (keys: readonly K[]) => Promise<PromiseSettledResult<unknown>[]>;

/** Fills a cache beforehand; one process of the fleet does it when it is to be done `once`. */
export class WarmUp {
  #closed = false;

  constructor(
    readonly engine: Engine,
    readonly calls: CallResolver,
  ) {}

  /** What is under way ends with the batches it is at. */
  close(): void {
    this.#closed = true;
  }

  async run<K>(
    keys: Iterable<K> | AsyncIterable<K>,
    fill: FillBatch<K>,
    options: WarmUpOptions<never>,
  ): Promise<WarmUpResult> {
    const filling = new Filling(keys, fill, options, () => this.#closed);
    const { once } = options;
    let skipped = false;
    if (once === undefined || this.#closed) await filling.run();
    else skipped = !(await this.#once(once, filling));
    return { ...filling.progress, skipped, ...(filling.stopped ? { stopped: true } : undefined) };
  }

  /** @returns false when somebody else does it, or has done it */
  async #once<K>(once: Once, filling: Filling<K>): Promise<boolean> {
    const { readThrough, flights } = this.engine;
    const turn = new Turn();
    const call = this.#callOf(once, turn.produce);
    const look = await readThrough.look(call, false);
    if (look.verdict === 'fresh' || flights.find(call.storageKey) !== undefined) return false;
    const { landing } = readThrough.parts.loader.start(call, look, true, 0);
    try {
      // Not in the producer, which runs outside of the caller's context: there the tenant of the keys is not known.
      const began = await Promise.race([turn.began, landing.then(() => undefined)]);
      if (began === undefined) return false;
      turn.finish(
        filling.run(began.signal).then(() => (filling.stopped ? began.skip() : filling.progress)),
      );
      return (await landing).kind === 'produced';
    } catch (error) {
      if (!(error instanceof CacheClosedError)) throw error;
      filling.stopped = true;
      return true;
    }
  }

  /**
   * The lease of its key makes it once in the fleet, and is renewed for as long as it runs. No key that can be given reads like this one. It is of
   * the caller's tenant, if any, as the caller's plain keys are; it needs none, because it holds nothing of anybody's.
   */
  #callOf({ name, every, within = '1h' }: Once, producer: Producer<unknown>): Call {
    if (typeof name !== 'string' || name === '')
      throw new CacheConfigError('warmUp: once.name must be a non-empty text.');
    const tenant = this.calls.settings.tenant();
    const encoded = tenant === undefined ? undefined : encodePart(tenant, 'tenant');
    const key = CacheKey.fromEncoded(
      encoded,
      undefined,
      `warm-up:${encodeText(name, 'once.name')}`,
    );
    const policy = this.calls.policy({
      ttl: every,
      jitter: 0,
      staleWhileRevalidate: 0,
      staleIfError: 0,
      refreshAhead: false,
      producerTimeout: { hard: within },
      codec: 'json',
    });
    return this.calls.make(key, name, producer, undefined, policy);
  }
}

/** One warm-up: batches of `batchSize` keys, `concurrency` of them at a time. */
class Filling<K> {
  readonly progress = { done: 0, failed: 0, total: 0 };
  stopped = false;
  readonly #batchSize: number;
  readonly #concurrency: number;

  constructor(
    readonly keys: Iterable<K> | AsyncIterable<K>,
    readonly fill: FillBatch<K>,
    readonly options: WarmUpOptions<never>,
    readonly isClosed: () => boolean,
  ) {
    this.#batchSize = wholeNumber(options.batchSize ?? 100, 'batchSize');
    this.#concurrency = wholeNumber(options.concurrency ?? 2, 'concurrency');
  }

  async run(signal?: AbortSignal): Promise<void> {
    const batches = batchesOf(this.keys, this.#batchSize);
    try {
      await Promise.all(
        Array.from({ length: this.#concurrency }, () => this.#work(batches, signal)),
      );
    } finally {
      // Whatever the keys come from is told that no more of them are wanted. Nobody waits for it.
      batches.return(undefined).catch(() => undefined);
    }
  }

  async #work(batches: AsyncGenerator<K[], void>, signal: AbortSignal | undefined): Promise<void> {
    const { options, progress } = this;
    for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
      options.signal?.throwIfAborted();
      signal?.throwIfAborted();
      if (this.isClosed()) {
        this.stopped = true;
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

/** The turn that a lease gives, to be used outside of the producer that gets it. */
class Turn {
  /** When the lease is held. */
  readonly began: Promise<ProducerContext>;
  readonly produce: Producer<unknown>;
  finish!: (result: Promise<unknown>) => void;

  constructor() {
    const finished = new Promise<unknown>((resolve) => (this.finish = resolve));
    let begin: (context: ProducerContext) => void;
    this.began = new Promise((resolve) => (begin = resolve));
    this.produce = (context) => {
      begin(context);
      return finished;
    };
  }
}

function wholeNumber(given: number, name: string): number {
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new CacheConfigError(
    `warmUp: ${name} must be a positive whole number; got ${formatValue(given)}.`,
  );
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
