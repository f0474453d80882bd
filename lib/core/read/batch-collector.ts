import type { AsyncContext } from '../../ports/context.js';
import type { BatchContext, ProducerContext } from '../options/types.js';
import { Flight } from './flight.js';

interface ProduceRequest {
  readonly index: number;
  readonly context: ProducerContext;
  /** Undefined for what is produced without being shared. */
  readonly flight: Flight | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Collects the productions of a batch into one call, and its background refreshes into another.
 *
 * Every key of the batch settles once: it has to be produced, it was answered, or it waits for a
 * production of another caller. When none is pending any more, everything that has to be produced
 * is produced in one call; no timer decides. A key that has to be produced after all comes later,
 * by itself. Refreshes wait until each refresh that was started has asked for its value, or has
 * ended without.
 */
export class BatchCollector {
  readonly #pending = new Set<number>();
  #onSettled: (() => void) | undefined;
  /** Refreshes that may still ask for a value. */
  readonly #refreshing = new Set<Promise<unknown>>();
  #requests: ProduceRequest[] = [];
  #refreshes: ProduceRequest[] = [];

  constructor(
    /** Values or errors in the order of the indexes. */
    private readonly produceAll: (
      indexes: readonly number[],
      context: BatchContext,
    ) => Promise<readonly unknown[]>,
    private readonly context: AsyncContext,
  ) {}

  /** Adds a key that will settle. */
  add(index: number): void {
    this.#pending.add(index);
  }

  settle(index: number): void {
    if (this.#pending.delete(index)) this.#onSettled?.();
    this.#flush();
  }

  /** The producer of one key. */
  produce(index: number, context: ProducerContext): Promise<unknown> {
    const current = this.context.current();
    const flight = current instanceof Flight ? current : undefined;
    return new Promise((resolve, reject) => {
      const request = { index, context, flight, resolve, reject };
      if (!context.background) {
        this.#requests.push(request);
        this.settle(index);
        return;
      }
      this.#refreshes.push(request);
      if (flight !== undefined) this.#refreshing.delete(flight.result);
      this.#flush();
    });
  }

  /** Settles when at most `count` keys are pending. */
  whenPending(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled = () => {
        if (this.#pending.size <= count) resolve();
      };
      this.#onSettled();
    });
  }

  /** A refresh of one of the keys was started; it asks for its value, or ends without. */
  onRefresh(result: Promise<unknown>): void {
    this.#refreshing.add(result);
    const settled = (): void => {
      this.#refreshing.delete(result);
      this.#flush();
    };
    result.then(settled, settled);
  }

  #flush(): void {
    if (this.#pending.size > 0) return;
    const requests = this.#requests;
    this.#requests = [];
    this.#produceTogether(requests);
    if (this.#refreshing.size > 0) return;
    const refreshes = this.#refreshes;
    this.#refreshes = [];
    // Only its context tells a refresh which tenant it is for, so a call is for one tenant.
    for (const tenant of new Set(refreshes.map(({ context }) => context.tenant))) {
      this.#produceTogether(refreshes.filter(({ context }) => context.tenant === tenant));
    }
  }

  #produceTogether(requests: readonly ProduceRequest[]): void {
    if (requests.length === 0) return;
    void this.#inContext(requests, async () => {
      try {
        const values = await this.produceAll(
          requests.map(({ index }) => index),
          new MergedContext(requests.map(({ context }) => context)),
        );
        if (!Array.isArray(values) || values.length !== requests.length) {
          throw wrongLength(requests.length, values);
        }
        requests.forEach((request, i) => {
          const value: unknown = values[i];
          if (value instanceof Error) request.reject(value);
          else request.resolve(value);
        });
      } catch (error) {
        for (const request of requests) request.reject(error);
      }
    });
  }

  /**
   * Makes the call in the context of one of the flights, on which the others then depend: a
   * producer that asks for a key of its own batch is seen to wait for itself. The caller that
   * settled last may run in no flight, or in that of another call.
   */
  #inContext(requests: readonly ProduceRequest[], task: () => Promise<void>): Promise<void> {
    const flights = new Set(
      requests.map(({ flight }) => flight).filter((flight) => flight !== undefined),
    );
    const carrier = [...flights].at(-1);
    if (carrier === undefined) return task();
    for (const flight of flights) if (flight !== carrier) flight.addDependency(carrier);
    const run = (): Promise<void> => this.context.run(carrier, task);
    return carrier.isBackground ? this.context.runOutside(run) : run();
  }
}

/** The contexts of several productions as one. */
class MergedContext implements BatchContext {
  #signal: AbortSignal | undefined;

  constructor(private readonly contexts: readonly ProducerContext[]) {}

  get background(): boolean {
    return this.contexts[0]?.background === true;
  }

  get tenant(): string | undefined {
    const tenant = this.contexts[0]?.tenant;
    return this.contexts.every((context) => context.tenant === tenant) ? tenant : undefined;
  }

  get signal(): AbortSignal {
    const signals = new Set(this.contexts.map(({ signal }) => signal));
    return (this.#signal ??= abortWithAll([...signals]));
  }
}

/** Aborts when all of the signals have. */
function abortWithAll(signals: readonly AbortSignal[]): AbortSignal {
  const [first] = signals;
  if (first !== undefined && signals.length === 1) return first;
  const controller = new AbortController();
  let left = signals.length;
  for (const signal of signals) {
    const onAbort = (): void => {
      if (--left === 0) controller.abort(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  }
  return controller.signal;
}

function wrongLength(expected: number, given: readonly unknown[]): TypeError {
  const got = Array.isArray(given) ? `${String(given.length)} elements` : typeof given;
  return new TypeError(
    `produceMissing must return an array of ${String(expected)} values or errors, in the order of ` +
      `the keys it was given; got ${got}.`,
  );
}
