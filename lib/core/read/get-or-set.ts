import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import type { Entry } from '../../ports/entry.js';
import { CacheClosedError, ProducerTimeoutError } from '../../ports/errors.js';
import type { CallSeq, Millis } from '../../ports/time.js';
import { isInFallbackWindow, shouldRefreshEarly } from '../groups/freshness.js';
import type { Outcome } from '../observe/events.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { Backoff } from './backoff.js';
import { Flight, type FlightResult } from './flight.js';
import type { Loads } from './load.js';
import { emptyLookup, type Lookup } from './lookup.js';
import { race, TIMED_OUT } from './race.js';
import { SharedValue, type ValueHandle } from './shared-value.js';
import type { SingleFlight } from './single-flight.js';
import { isPromise, type Tiers } from './tiers.js';

/** The result of one call. */
export interface CallResult {
  readonly outcome: Outcome;
  readonly tier: 'l1' | 'l2' | undefined;
  readonly value: ValueHandle;
  /** The entry behind the value, when there is one. */
  readonly entry: Entry | undefined;
}

/** What a caller wants of a result. */
export type Finish<T> = (result: CallResult) => T;

export interface ReadThroughParts {
  readonly tiers: Tiers;
  readonly flights: SingleFlight;
  readonly loads: Loads;
  readonly reporter: Reporter;
  readonly backoff: Backoff;
  readonly context: AsyncContext;
  readonly clock: Clock;
  readonly backendTimeout: Millis;
  readonly nextSeq: () => CallSeq;
  readonly isClosed: () => boolean;
}

/** The coherence bound without a backend: how far a read may be behind others' invalidations. */
const COHERENCE_BOUND_MS = 3_000;
const NO_VALUE: ValueHandle = new SharedValue(undefined);

/**
 * Get or set, whole: look up, judge, join or load.
 *
 * Which calls may join a flight? A value whose production began before an invalidation must not
 * reach a caller that asked after the invalidation was acknowledged. So one of these must hold:
 *
 * 1. The production began after the caller asked.
 * 2. This process learns of every invalidation (coherent); then the flight would be detached.
 * 3. The backend, asked after the caller asked, still holds the flight's lease (no delete since)
 *    and shows the clocks that the flight started from (no invalidation in its scopes since).
 * 4. The backend is away and the production began less than the coherence bound ago.
 *
 * Only what a caller saw itself may answer it as a stale value. A flight whose result a caller may
 * not share is waited for once; then the caller looks again.
 */
export class ReadThrough {
  constructor(private readonly parts: ReadThroughParts) {}

  /** Throws, or rejects, with what the producer throws; never because the backend failed. */
  getOrSet<T>(call: Call, finish: Finish<T>): T | Promise<T> {
    const { flights, nextSeq } = this.parts;
    const asked = nextSeq();
    const running = flights.joinable(call.storageKey, call.policy.codec);
    if (running !== undefined && this.#canJoinUnseen(running, asked)) {
      return this.#join(running, call, asked, undefined, 'joined', finish);
    }
    return this.#lookup(call, asked, finish);
  }

  /** What is stored, without loading; a backend that cannot be asked has nothing. */
  lookup(call: Call, withLease = false): Lookup | Promise<Lookup> {
    const found = this.parts.tiers.lookup(call, withLease);
    return isPromise(found)
      ? found.catch((error: unknown) => this.#onReadFailed(call, error))
      : found;
  }

  /** One refresh in the background, unless the key is being loaded already. */
  refresh(call: Call, lookup: Lookup): void {
    const { flights, loads, reporter } = this.parts;
    if (flights.joinable(call.storageKey, call.policy.codec) !== undefined) return;
    reporter.stats.cache_refreshes++;
    reporter.onStep?.('refresh in the background');
    loads.start({ ...call, signal: undefined }, lookup, 'refresh');
  }

  #lookup<T>(call: Call, asked: CallSeq, finish: Finish<T>): T | Promise<T> {
    const { tiers, flights } = this.parts;
    const found = tiers.lookup(call, flights.has(call.storageKey));
    if (!isPromise(found)) return this.#answer(call, found, asked, finish);
    return found.then(
      (lookup) => this.#answer(call, lookup, asked, finish),
      (error: unknown) => this.#answer(call, this.#onReadFailed(call, error), asked, finish),
    );
  }

  /** The flight's result did not count for this caller, which asks anew. */
  #retry<T>(call: Call, finish: Finish<T>): T | Promise<T> {
    const { clock, backendTimeout, nextSeq, reporter } = this.parts;
    reporter.onStep?.('look again');
    call.backendBy = clock.now() + backendTimeout;
    return this.#lookup(call, nextSeq(), finish);
  }

  #answer<T>(call: Call, lookup: Lookup, asked: CallSeq, finish: Finish<T>): T | Promise<T> {
    const { flights, loads, backoff, clock, context, reporter } = this.parts;
    reporter.onStep?.(`lookup: ${lookup.freshness} in ${lookup.tier}`);
    switch (lookup.freshness) {
      case 'fresh':
        if (call.policy.refreshAhead !== false) this.#refreshEarly(call, lookup);
        return this.#found('hit', call, lookup, finish);
      case 'stale':
        if (!backoff.isPaused(call.storageKey, clock.now())) this.refresh(call, lookup);
        return this.#found('stale', call, lookup, finish);
      case 'fallback':
        if (backoff.isPaused(call.storageKey, clock.now())) {
          return this.#found('fallback', call, lookup, finish);
        }
        break;
      case 'expired':
    }
    const running = flights.joinable(call.storageKey, call.policy.codec);
    if (running !== undefined && this.#mayJoin(running, asked, lookup)) {
      return this.#join(running, call, asked, lookup, 'joined', finish);
    }
    const own = context.current();
    if (own instanceof Flight) this.#assertNotReentrant(own, call);
    const unshareable = call.hasWaited ? undefined : this.#storableFlight(call, lookup);
    if (unshareable !== undefined) {
      return this.#waitAndRetry(unshareable, call, asked, lookup, finish);
    }
    return this.#join(loads.start(call, lookup, 'load'), call, asked, lookup, 'miss', finish);
  }

  /** May a caller join without a lookup of its own? */
  #canJoinUnseen(flight: Flight, asked: CallSeq): boolean {
    // With a stale value to answer with, nobody waits for a refresh; nor without looking for one.
    if (flight.isBackground || flight.stale !== undefined) return false;
    return this.parts.tiers.isCoherent || flight.startedSeq > asked;
  }

  #mayJoin(flight: Flight, asked: CallSeq, lookup: Lookup): boolean {
    const { tiers, clock } = this.parts;
    if (tiers.isCoherent || flight.startedSeq > asked) return true;
    if (!tiers.isUsable) return clock.now() - flight.startedAt < COHERENCE_BOUND_MS;
    return tiers.isUnchangedSince(flight, lookup);
  }

  /** A running load whose result this caller may not share, but which may still be stored. */
  #storableFlight(call: Call, lookup: Lookup): Flight | undefined {
    const { flights, tiers } = this.parts;
    const flight = flights.storable(call.storageKey, call.policy.codec);
    if (flight === undefined || flight.startedSeq === Infinity) return flight;
    return tiers.mayStillStore(flight, lookup) ? flight : undefined;
  }

  #refreshEarly(call: Call, lookup: Lookup): void {
    const { backoff, clock, tiers } = this.parts;
    const { entry } = lookup;
    const { refreshAhead } = call.policy;
    const random = 1 - Math.random();
    if (entry === undefined || !shouldRefreshEarly(entry, tiers.now(), refreshAhead, random))
      return;
    if (!backoff.isPaused(call.storageKey, clock.now())) this.refresh(call, lookup);
  }

  /** Waits for the flight, as long as the caller is willing to. */
  #join<T>(
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
        if (result === TIMED_OUT) return this.#found('stale', call, stale, finish);
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
        return this.#retry(call, finish);
      case 'stored':
        // What the flight read before this caller asked does not count for it.
        if (isStoredTooEarly(result.readAt, asked) && !wasCoherent)
          return this.#retry(call, finish);
        this.parts.reporter.stats.cache_hits_after_lock++;
        return this.#settle({ outcome, tier: 'l2', ...result }, call, finish);
      case 'produced':
        return this.#settle({ outcome, tier: undefined, ...result }, call, finish);
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
      return this.#reject(call, error);
    }
    // Another cache, which shares this flight, was closed.
    if (error instanceof CacheClosedError && !this.parts.isClosed())
      return this.#retry(call, finish);
    // The flight may have had a stale value for others, which this caller may not have.
    if (flight.stale !== undefined && stale === undefined && !call.hasWaited) {
      call.hasWaited = true;
      return this.#retry(call, finish);
    }
    if (this.#mayFallBack(flight, call, stale, error)) {
      return this.#found('fallback', call, stale, finish);
    }
    return this.#reject(call, error);
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
  async #waitAndRetry<T>(
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
      if (result === TIMED_OUT) return await this.#found('stale', call, stale, finish);
      // Its production began only after this caller asked: it may be shared after all.
      if (result.kind === 'produced' && flight.startedSeq > asked) {
        return await this.#settle({ outcome: 'joined', tier: undefined, ...result }, call, finish);
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
    return this.#retry(call, finish);
  }

  #found<T>(outcome: Outcome, call: Call, lookup: Lookup | undefined, finish: Finish<T>): T {
    const { tier, value = NO_VALUE, entry } = lookup ?? {};
    return this.#settle({ outcome, tier, value, entry }, call, finish);
  }

  #settle<T>(result: CallResult, call: Call, finish: Finish<T>): T {
    this.parts.reporter.onStep?.(`answer: ${result.outcome}`);
    this.parts.reporter.outcome(result.outcome, result.tier, call.storageKey);
    return finish(result);
  }

  #reject(call: Call, error: unknown): never {
    this.parts.reporter.onStep?.('answer: error');
    this.parts.reporter.outcome('error', undefined, call.storageKey);
    throw error;
  }

  #assertNotReentrant(own: Flight, call: Call): void {
    try {
      this.parts.flights.assertNotReentrant(own, call.storageKey);
    } catch (error) {
      this.#reject(call, error);
    }
  }

  #addDependency(own: Flight, flight: Flight, call: Call): () => void {
    try {
      return own.addDependency(flight);
    } catch (error) {
      return this.#reject(call, error);
    }
  }

  #onReadFailed(call: Call, error: unknown): Lookup {
    const { reporter, tiers } = this.parts;
    reporter.stats.cache_read_err++;
    reporter.report({ type: 'backend_problem', operation: 'read', error });
    return emptyLookup(call, 'l2', tiers.position);
  }
}

/** A named condition, so that the mutants can break it. */
function isStoredTooEarly(readAt: CallSeq, asked: CallSeq): boolean {
  return readAt < asked;
}
