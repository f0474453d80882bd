import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import { CacheClosedError, ProducerTimeoutError } from '../../ports/errors.js';
import type { CallSeq } from '../../ports/time.js';
import { isInFallbackWindow } from '../groups/freshness.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import { type Answers, type Finish, toCallResult } from './answers.js';
import { Flight, type FlightResult } from './flight.js';
import type { Lookup } from './lookup.js';
import { race, TIMED_OUT } from './race.js';
import type { Tiers } from './tiers.js';

export interface JoinParts {
  readonly tiers: Tiers;
  readonly answers: Answers;
  readonly reporter: Reporter;
  readonly context: AsyncContext;
  readonly clock: Clock;
  readonly isClosed: () => boolean;
  /** Looks again, for a caller for which the result of a flight does not count. */
  readonly retry: <T>(call: Call, finish: Finish<T>) => T | Promise<T>;
}

/** A caller in a flight: how long it waits, and what the flight's result is to it. */
export class Joins {
  constructor(private readonly parts: JoinParts) {}

  /** Waits for the flight, as long as the caller is willing to. */
  join<T>(
    flight: Flight,
    call: Call,
    asked: CallSeq,
    lookup: Lookup | undefined,
    outcome: 'joined' | 'miss',
    finish: Finish<T>,
  ): Promise<T> {
    const { context, reporter, tiers } = this.parts;
    const own = context.current();
    const arrived = own instanceof Flight ? this.#addDependency(own, flight, call) : undefined;
    const { isCoherent } = tiers;
    flight.addCaller();
    if (outcome === 'joined') {
      reporter.onStep?.('join the running flight');
      call.onWait?.();
    }
    const stale = lookup?.value === undefined ? undefined : lookup;
    return this.#wait(flight, call, stale).then(
      (result) => {
        arrived?.();
        if (result === TIMED_OUT) {
          reporter.onStep?.('soft timeout');
          return this.parts.answers.found('stale', call, stale, finish);
        }
        return this.#onResult(result, call, asked, isCoherent, outcome, finish);
      },
      (error: unknown) => {
        arrived?.();
        return this.#onError(flight, call, stale, error, finish);
      },
    );
  }

  /** With a stale value at hand, gives up after the soft timeout. */
  #wait(
    flight: Flight,
    call: Call,
    stale: Lookup | undefined,
  ): Promise<FlightResult | typeof TIMED_OUT> {
    const { clock } = this.parts;
    const { signal } = call;
    const ms = stale === undefined ? 0 : call.policy.softTimeout;
    if (ms === 0) return race(flight.result, { clock, signal });
    return race(flight.result, { clock, ms, signal }).then((result) =>
      result === TIMED_OUT && flight.staleInvalidated
        ? race(flight.result, { clock, signal })
        : result,
    );
  }

  #onResult<T>(
    result: FlightResult,
    call: Call,
    asked: CallSeq,
    wasCoherent: boolean,
    outcome: 'joined' | 'miss',
    finish: Finish<T>,
  ): T | Promise<T> {
    switch (result.kind) {
      case 'retry':
        return this.parts.retry(call, finish);
      case 'stored':
        // What the flight read before this caller asked does not count for it.
        if (isStoredTooEarly(result.readAt, asked) && !wasCoherent)
          return this.parts.retry(call, finish);
        this.parts.reporter.stats.cache_hits_after_lock++;
        return this.parts.answers.settle(toCallResult(outcome, 'l2', result), call, finish);
      case 'produced':
        return this.parts.answers.settle(toCallResult(outcome, undefined, result), call, finish);
    }
  }

  #onError<T>(
    flight: Flight,
    call: Call,
    stale: Lookup | undefined,
    error: unknown,
    finish: Finish<T>,
  ): T | Promise<T> {
    if (!flight.isSettled) {
      // The caller's own signal ended its waiting.
      flight.removeCaller(error);
      return this.parts.answers.reject(call, error);
    }
    // Another cache, which shares this flight, was closed.
    if (error instanceof CacheClosedError && !this.parts.isClosed())
      return this.parts.retry(call, finish);
    // The flight may have had a stale value for others, which this caller may not have.
    if (flight.stale !== undefined && stale === undefined && !call.hasWaited) {
      call.hasWaited = true;
      return this.parts.retry(call, finish);
    }
    if (this.#mayFallBack(flight, call, stale, error)) {
      return this.parts.answers.found('fallback', call, stale, finish);
    }
    return this.parts.answers.reject(call, error);
  }

  #mayFallBack(flight: Flight, call: Call, stale: Lookup | undefined, error: unknown): boolean {
    const { tiers } = this.parts;
    if (stale?.entry === undefined || flight.staleInvalidated) return false;
    if (!isInFallbackWindow(stale.entry, tiers.now())) return false;
    // A flight that was abandoned or closed tells nothing about the origin.
    if (flight.aborted !== undefined && !(error instanceof ProducerTimeoutError)) return false;
    try {
      return call.policy.staleIfErrorWhen(error);
    } catch (problem) {
      this.parts.reporter.report({
        type: 'callback_failed',
        callback: 'staleIfErrorWhen',
        key: call.storageKey,
        error: problem,
      });
      return false;
    }
  }

  /**
   * Waits for a load whose result this caller may not share; what it stores is then judged like any
   * entry. The hard timeout of that load bounds the waiting, which a call does once.
   */
  async waitAndRetry<T>(
    flight: Flight,
    call: Call,
    asked: CallSeq,
    lookup: Lookup,
    finish: Finish<T>,
  ): Promise<T> {
    const { context, reporter } = this.parts;
    const own = context.current();
    const arrived = own instanceof Flight ? this.#addDependency(own, flight, call) : undefined;
    const stale = lookup.value === undefined ? undefined : lookup;
    reporter.onStep?.('wait for a load that cannot be shared');
    call.hasWaited = true;
    call.onWait?.();
    flight.addCaller();
    try {
      const result = await this.#wait(flight, call, stale);
      if (result === TIMED_OUT) return await this.parts.answers.found('stale', call, stale, finish);
      // Its production began only after this caller asked: it may be shared after all.
      if (result.kind === 'produced' && flight.startedSeq > asked) {
        return await this.parts.answers.settle(
          toCallResult('joined', undefined, result),
          call,
          finish,
        );
      }
    } catch (error) {
      // The error of a production that began before an invalidation is as old as its value.
      if (!flight.isSettled || flight.startedSeq > asked) {
        return await this.#onError(flight, call, stale, error, finish);
      }
    } finally {
      arrived?.();
    }
    await flight.whenFinished();
    return this.parts.retry(call, finish);
  }

  #addDependency(own: Flight, flight: Flight, call: Call): () => void {
    try {
      return own.addDependency(flight);
    } catch (error) {
      // A flight that this caller has just started has no other caller to handle its failure.
      flight.result.catch(() => undefined);
      return this.parts.answers.reject(call, error);
    }
  }
}

/** A named condition, so that the mutants can break it. */
function isStoredTooEarly(readAt: CallSeq, asked: CallSeq): boolean {
  return readAt < asked;
}
