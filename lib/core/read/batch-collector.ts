import type { AsyncContext } from '../../ports/context.js';
import { Flight } from './flight.js';
import type { BatchContext, ProducerContext } from '../options/types.js';

interface Request {
  readonly index: number;
  readonly context: ProducerContext;
  /** Undefined for what is produced without being shared. */
  readonly flight: Flight | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Gathers the productions of a batch into one call, and its background refreshes into one more.
 *
 * Every key of the batch reports once: it is to be produced, it was answered, or it waits for somebody else's production. When all have
 * reported, what is to be produced is produced in one call; no timer decides. A key that has to be produced after all comes later, by itself.
 * Refreshes wait until each of those that were started has its turn, or has ended without one.
 */
export class BatchCollector {
  readonly #unreported = new Set<number>();
  #onReport: (() => void) | undefined;
  /** By their landings. */
  readonly #refreshing = new Set<Promise<unknown>>();
  #requests: Request[] = [];
  #refreshes: Request[] = [];

  constructor(
    /** Values or errors in the order of the indexes. */
    readonly produce: (
      indexes: readonly number[],
      context: BatchContext,
    ) => Promise<readonly unknown[]>,
    readonly context: AsyncContext,
  ) {}

  /** One more key that will report. */
  expect(index: number): void {
    this.#unreported.add(index);
  }

  /** The producer of one key. */
  request(index: number, context: ProducerContext): Promise<unknown> {
    const current = this.context.current();
    const flight = current instanceof Flight ? current : undefined;
    return new Promise((resolve, reject) => {
      const request = { index, context, flight, resolve, reject };
      if (!context.background) {
        this.#requests.push(request);
        this.report(index);
        return;
      }
      this.#refreshes.push(request);
      if (flight !== undefined) this.#refreshing.delete(flight.landing);
      this.#depart();
    });
  }

  report(index: number): void {
    if (this.#unreported.delete(index)) this.#onReport?.();
    this.#depart();
  }

  /** Settles when at most `left` keys have not reported. */
  unreported(left: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onReport = () => {
        if (this.#unreported.size <= left) resolve();
      };
      this.#onReport();
    });
  }

  /** A refresh of one of the keys was started: it will request, or land without. */
  refreshes(landing: Promise<unknown>): void {
    this.#refreshing.add(landing);
    const landed = (): void => {
      this.#refreshing.delete(landing);
      this.#depart();
    };
    landing.then(landed, landed);
  }

  #depart(): void {
    if (this.#unreported.size > 0) return;
    const requests = this.#requests;
    this.#requests = [];
    this.#run(requests);
    if (this.#refreshing.size > 0) return;
    const refreshes = this.#refreshes;
    this.#refreshes = [];
    // Nothing but its context tells a refresh whose data it is about, so it is about one tenant's.
    for (const tenant of new Set(refreshes.map(({ context }) => context.tenant))) {
      this.#run(refreshes.filter(({ context }) => context.tenant === tenant));
    }
  }

  #run(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    void this.#inFlight(requests, async () => {
      try {
        const values = await this.produce(
          requests.map(({ index }) => index),
          new MergedContext(requests.map(({ context }) => context)),
        );
        if (!Array.isArray(values) || values.length !== requests.length)
          throw wrongLength(requests.length, values);
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
   * All of them wait for the one in whose context the call is made: asking for a key of the batch in there is then seen to be endless. Whoever
   * reported last may be in no such context, or in that of a caller while nobody waits for the refresh.
   */
  #inFlight(requests: readonly Request[], task: () => Promise<void>): Promise<void> {
    const flights = new Set(
      requests.map(({ flight }) => flight).filter((flight) => flight !== undefined),
    );
    const carrier = [...flights].at(-1);
    if (carrier === undefined) return task();
    for (const flight of flights) if (flight !== carrier) flight.waitsFor.add(carrier);
    const run = (): Promise<void> => this.context.run(carrier, task);
    return carrier.background ? this.context.runOutside(run) : run();
  }
}

/** What the productions of several keys have in common. */
class MergedContext implements BatchContext {
  #signal: AbortSignal | undefined;

  constructor(readonly contexts: readonly ProducerContext[]) {}

  get background(): boolean {
    return this.contexts[0]?.background === true;
  }

  get tenant(): string | undefined {
    const tenant = this.contexts[0]?.tenant;
    return this.contexts.every((context) => context.tenant === tenant) ? tenant : undefined;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= whenAll([...new Set(this.contexts.map(({ signal }) => signal))]));
  }
}

/** Aborts when all have. */
function whenAll(signals: readonly AbortSignal[]): AbortSignal {
  const [first] = signals;
  if (first !== undefined && signals.length === 1) return first;
  const controller = new AbortController();
  let left = signals.length;
  for (const signal of signals) {
    const aborted = (): void => {
      if (--left === 0) controller.abort(signal.reason);
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
  }
  return controller.signal;
}

function wrongLength(expected: number, given: readonly unknown[]): TypeError {
  const got = Array.isArray(given) ? `${String(given.length)} elements` : typeof given;
  return new TypeError(
    `produceMissing must return an array of ${String(expected)} values or errors, in the order of the keys it was given; got ${got}.`,
  );
}
