import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import { ProducerTimeoutError } from '../../ports/errors.js';
import type { CallSeq } from '../../ports/time.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { Backoff } from './backoff.js';
import type { EntryBuilder } from './entry-builder.js';
import { Flight, type FlightKind, type FlightResult } from './flight.js';
import type { Lookup } from './lookup.js';
import { RecordingContext } from './producer-context.js';
import { race } from './race.js';
import type { SingleFlight } from './single-flight.js';
import { isPromise, type StoreResult, type Tiers } from './tiers.js';
import type { Timeouts } from './timeouts.js';

export interface LoadParts {
  readonly tiers: Tiers;
  readonly flights: SingleFlight;
  readonly entries: EntryBuilder;
  readonly reporter: Reporter;
  readonly backoff: Backoff;
  readonly context: AsyncContext;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly nextSeq: () => CallSeq;
}

type Settled = (flight: Flight, recorded: RecordingContext, result: unknown) => void;

/**
 * Loads a key: lease, production, write. The only way a produced value is stored.
 *
 * Every step continues at once when its answer is there at once: in memory, a load makes no promise
 * but those of its producer and of the flight's result.
 */
export class Loads {
  constructor(private readonly parts: LoadParts) {}

  /** Registers the flight before anything is awaited, so that the next caller finds it. */
  start(call: Call, lookup: Lookup, kind: FlightKind): Flight {
    const usable = lookup.value !== undefined && lookup.freshness !== 'fresh';
    const flight = new Flight(this, call, kind, usable ? lookup : undefined);
    this.parts.flights.add(flight);
    if (flight.isBackground) call.onRefresh?.(flight.result);
    let permit: FlightResult | undefined | Promise<FlightResult | undefined>;
    try {
      permit = this.parts.tiers.lease(flight, lookup);
    } catch (error) {
      this.#fail(flight, error);
      return flight;
    }
    if (isPromise(permit)) {
      permit.then(
        (result) => {
          this.#proceed(flight, result);
        },
        (error: unknown) => {
          this.#fail(flight, error);
        },
      );
    } else this.#proceed(flight, permit);
    return flight;
  }

  /**
   * Runs the producer for this call alone: no caller joins, and nothing is stored.
   * @throws ProducerTimeoutError, the reason of the call's signal, and what the producer throws
   */
  produceUncached(call: Call): Promise<unknown> {
    const flight = new Flight(this, call, 'load', undefined);
    const producing = new Promise<unknown>((resolve, reject) => {
      this.#runProducer(
        flight,
        new RecordingContext(flight),
        (_flight, _recorded, value) => {
          resolve(value);
        },
        (_flight, _recorded, error) => {
          reject(error);
        },
      );
    });
    const { clock, reporter } = this.parts;
    return race(producing, { clock, signal: call.signal }).catch((error: unknown) => {
      if (error instanceof ProducerTimeoutError) reporter.stats.cache_producer_timeouts++;
      if (call.signal?.aborted === true) flight.abort(call.signal.reason);
      throw error;
    });
  }

  #proceed(flight: Flight, result: FlightResult | undefined): void {
    if (result !== undefined) {
      this.parts.reporter.onStep?.(
        result.kind === 'stored' ? 'found by the second lookup' : 'leave it to another process',
      );
      flight.resolve(result);
      this.#finish(flight);
      return;
    }
    if (flight.aborted !== undefined) {
      this.#fail(flight, flight.aborted.reason);
      return;
    }
    flight.onAbort = () => {
      this.parts.tiers.release(flight);
    };
    this.parts.reporter.stats.cache_productions++;
    this.parts.reporter.onStep?.(flight.storable ? 'produce' : 'produce, not to be stored');
    this.#runProducer(flight, new RecordingContext(flight), this.#onValue, this.#onError);
  }

  readonly #onValue = (flight: Flight, recorded: RecordingContext, value: unknown): void => {
    if (flight.isSettled) this.#finish(flight);
    else this.#onProduced(flight, recorded, value);
  };

  readonly #onError = (flight: Flight, _recorded: RecordingContext, error: unknown): void => {
    if (flight.isSettled) this.#finish(flight);
    else this.#fail(flight, error);
  };

  /** Calls one of the functions at the hard timeout, and again when the producer settles later. */
  #runProducer(
    flight: Flight,
    recorded: RecordingContext,
    onValue: Settled,
    onError: Settled,
  ): void {
    const { nextSeq, clock, context, timeouts } = this.parts;
    flight.startedSeq = nextSeq();
    flight.startedAt = clock.now();
    const timeout = timeouts.start(flight.call.policy.hardTimeout, () => {
      const error = timeoutError(flight.call);
      flight.abort(error);
      onError(flight, recorded, error);
    });
    flight.timeout = timeout;
    const run = (leave: () => void): void => {
      invoke(flight.call, recorded).then(
        (value) => {
          timeout.cancel();
          leave();
          onValue(flight, recorded, value);
        },
        (error: unknown) => {
          timeout.cancel();
          leave();
          // The producer's own error, whatever it is: a NotFoundException must stay a 404.
          onError(flight, recorded, error);
        },
      );
    };
    if (!flight.isBackground) context.enter(flight, run);
    else {
      context.runOutside(() => {
        context.enter(flight, run);
      });
    }
  }

  #onProduced(flight: Flight, recorded: RecordingContext, value: unknown): void {
    const { backoff, entries, tiers } = this.parts;
    backoff.onSuccess(flight.storageKey);
    let stored: StoreResult | Promise<StoreResult>;
    try {
      const produced = entries.build(flight, recorded, value);
      flight.resolve({ kind: 'produced', value: produced.value, entry: produced.entry });
      if (produced.entry === undefined) {
        this.parts.reporter.onStep?.('do not store');
        this.#finish(flight);
        return;
      }
      stored = tiers.store(flight, produced.entry, produced.frozen);
    } catch (error) {
      this.#onWriteFailed(flight, error);
      return;
    }
    if (isPromise(stored)) {
      stored.then(
        (result) => {
          this.#onStored(flight, result);
        },
        (error: unknown) => {
          this.#onWriteFailed(flight, error);
        },
      );
    } else this.#onStored(flight, stored);
  }

  #onStored(flight: Flight, result: StoreResult): void {
    const { reporter } = this.parts;
    reporter.onStep?.(`store: ${result}`);
    if (result === 'stored') reporter.stats.cache_fills++;
    else if (result === 'refused') {
      reporter.report({ type: 'fill_refused', key: flight.storageKey });
    }
    this.#finish(flight);
  }

  #onWriteFailed(flight: Flight, error: unknown): void {
    this.parts.reporter.report({ type: 'write_failed', key: flight.storageKey, error });
    if (!flight.isSettled) flight.reject(error);
    this.#finish(flight);
  }

  /** The production failed; each caller decides whether a stale value answers it. */
  #fail(flight: Flight, error: unknown): void {
    const { reporter, backoff, clock } = this.parts;
    const { stats } = reporter;
    if (error instanceof ProducerTimeoutError) stats.cache_producer_timeouts++;
    else if (flight.startedSeq !== Infinity && flight.aborted === undefined) {
      stats.cache_producer_err++;
    }
    const type = flight.isBackground ? 'refresh_failed' : 'producer_error';
    reporter.onStep?.(flight.startedSeq === Infinity ? 'fail' : 'the producer fails');
    reporter.report({ type, key: flight.storageKey, error });
    // When all callers have left, the failure tells nothing about the origin.
    const wasAbandoned =
      flight.aborted !== undefined && !(flight.aborted.reason instanceof ProducerTimeoutError);
    if ((flight.isBackground || flight.stale !== undefined) && !wasAbandoned) {
      backoff.onFailure(flight.storageKey, clock.now());
    }
    flight.reject(error);
    this.#finish(flight);
  }

  #finish(flight: Flight): void {
    this.parts.tiers.release(flight);
    this.parts.flights.remove(flight);
  }
}

/** Calls the producer; a value or an error that is there at once becomes a promise. */
function invoke(call: Call, context: RecordingContext): Promise<unknown> {
  try {
    const given = call.producer(context);
    return given instanceof Promise ? given : Promise.resolve(given);
  } catch (error) {
    return Promise.reject(error);
  }
}

function timeoutError(call: Call): ProducerTimeoutError {
  const ms = String(call.policy.hardTimeout);
  return new ProducerTimeoutError(
    `The producer of segment ${JSON.stringify(call.key.segment ?? '')} did not settle within ` +
      `${ms} ms ` +
      '(producerTimeout.hard). Pass its signal on to what it waits for, or raise the timeout.',
  );
}
