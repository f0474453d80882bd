import type { AsyncContext } from '../ports/context.js';
import { Flight } from './flight.js';

interface Request {
  readonly index: number;
  readonly flight: Flight | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Gathers the productions of a batch into one call.
 *
 * Every key of the batch reports once: it is to be produced, it was answered, or it waits for somebody else's production. When all have
 * reported, what is to be produced is produced in one call; no timer decides. A key that has to be produced after all comes later, by itself.
 */
export class Bulk {
  readonly #unreported: Set<number>;
  #requests: Request[] = [];

  constructor(
    size: number,
    /** Values or errors in the order of the indexes. */
    readonly produce: (indexes: readonly number[]) => Promise<readonly unknown[]>,
    readonly context: AsyncContext,
  ) {
    this.#unreported = new Set(Array.from({ length: size }, (_, index) => index));
  }

  /** The producer of one key. */
  request(index: number): Promise<unknown> {
    const current = this.context.current();
    return new Promise((resolve, reject) => {
      this.#requests.push({ index, flight: current instanceof Flight ? current : undefined, resolve, reject });
      this.report(index);
    });
  }

  report(index: number): void {
    this.#unreported.delete(index);
    if (this.#unreported.size > 0 || this.#requests.length === 0) return;
    const requests = this.#requests;
    this.#requests = [];
    this.#run(requests);
  }

  #run(requests: readonly Request[]): void {
    // All of them wait for the one in whose context the call is made: asking for a key of the batch in there is then seen to be endless.
    const last = requests.at(-1)?.flight;
    const others = requests.map((request) => request.flight).filter((flight) => flight !== undefined && flight !== last) as Flight[];
    if (last !== undefined) for (const flight of others) flight.waitsFor.add(last);
    Promise.resolve()
      .then(() => this.produce(requests.map((request) => request.index)))
      .then((values) => {
        if (!Array.isArray(values) || values.length !== requests.length) throw wrongLength(requests.length, values);
        requests.forEach((request, i) => {
          const value: unknown = values[i];
          if (value instanceof Error) request.reject(value);
          else request.resolve(value);
        });
      })
      .catch((error: unknown) => {
        for (const request of requests) request.reject(error);
      });
  }
}

function wrongLength(expected: number, given: readonly unknown[]): TypeError {
  const got = Array.isArray(given) ? `${String(given.length)} elements` : typeof given;
  return new TypeError(
    `produceMissing must return an array of ${String(expected)} values or errors, in the order of the keys it was given; got ${got}.`,
  );
}
