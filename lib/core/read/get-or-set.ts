import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import type { CallSeq, Millis } from '../../ports/time.js';
import { shouldRefreshEarly } from '../groups/freshness.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import { Answers, type Finish } from './answers.js';
import type { Backoff } from './backoff.js';
import { Flight } from './flight.js';
import { type JoinParts, Joins } from './join.js';
import type { Loads } from './load.js';
import { emptyLookup, type Lookup } from './lookup.js';
import type { ProductionTracking } from './production-tracking.js';
import type { SingleFlight } from './single-flight.js';
import { isPromise, type Tiers } from './tiers.js';

export interface ReadThroughParts {
  readonly tiers: Tiers;
  readonly flights: SingleFlight;
  readonly loads: Loads;
  readonly reporter: Reporter;
  readonly backoff: Backoff;
  readonly context: AsyncContext;
  readonly tracking: ProductionTracking;
  readonly clock: Clock;
  readonly backendTimeout: Millis;
  readonly nextSeq: () => CallSeq;
  readonly isClosed: () => boolean;
}

/** The coherence bound without a backend: how far a read may be behind others' invalidations. */
const COHERENCE_BOUND_MS = 3_000;

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
  readonly #answers: Answers;
  readonly #joins: Joins;

  constructor(private readonly parts: ReadThroughParts) {
    const answers = (this.#answers = new Answers(parts.reporter));
    const retry: JoinParts['retry'] = (call, finish) => this.#retry(call, finish);
    this.#joins = new Joins({ ...parts, answers, retry });
  }

  /** Throws, or rejects, with what the producer throws; never because the backend failed. */
  getOrSet<T>(call: Call, finish: Finish<T>): T | Promise<T> {
    const { flights, nextSeq, context, tracking } = this.parts;
    const asked = nextSeq();
    if (context.current() instanceof Flight) tracking.onNestedCall();
    const running = flights.joinable(call.storageKey, call.policy.codec);
    if (running !== undefined && this.#canJoinUnseen(running, asked)) {
      return this.#joins.join(running, call, asked, undefined, 'joined', finish);
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
    reporter.onStep?.(this.#stepOf(lookup));
    // Not after having waited for a load: its result is what was asked for.
    switch (call.reload && !call.hasWaited ? 'expired' : lookup.freshness) {
      case 'fresh':
        if (call.policy.refreshAhead !== false) this.#refreshEarly(call, lookup);
        return this.#answers.found('hit', call, lookup, finish);
      case 'stale':
        if (!backoff.isPaused(call.storageKey, clock.now())) this.refresh(call, lookup);
        return this.#answers.found('stale', call, lookup, finish);
      case 'fallback':
        if (backoff.isPaused(call.storageKey, clock.now())) {
          return this.#answers.found('fallback', call, lookup, finish);
        }
        break;
      case 'expired':
    }
    const running = flights.joinable(call.storageKey, call.policy.codec);
    if (running !== undefined && this.#mayJoin(running, asked, lookup)) {
      return this.#joins.join(running, call, asked, lookup, 'joined', finish);
    }
    const own = context.current();
    if (own instanceof Flight) this.#assertNotReentrant(own, call);
    const unshareable = call.hasWaited ? undefined : this.#storableFlight(call, lookup);
    if (unshareable !== undefined) {
      return this.#joins.waitAndRetry(unshareable, call, asked, lookup, finish);
    }
    return this.#joins.join(loads.start(call, lookup, 'load'), call, asked, lookup, 'miss', finish);
  }

  /** May a caller join without a lookup of its own? */
  #canJoinUnseen(flight: Flight, asked: CallSeq): boolean {
    // A caller with a stale value does not wait for a refresh, so it has to look for one first.
    if (flight.isBackground || flight.call.reload || flight.stale !== undefined) return false;
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

  #assertNotReentrant(own: Flight, call: Call): void {
    try {
      this.parts.flights.assertNotReentrant(own, call.storageKey);
    } catch (error) {
      this.#answers.reject(call, error);
    }
  }

  #stepOf({ entry, freshness, tier }: Lookup): string {
    if (!this.parts.tiers.isUsable) return 'look up: the backend is away';
    return `look up: ${entry === undefined ? 'nothing' : freshness} in ${tier}`;
  }

  #onReadFailed(call: Call, error: unknown): Lookup {
    const { reporter, tiers } = this.parts;
    reporter.stats.cache_read_err++;
    reporter.onStep?.('the backend fails');
    reporter.report({ type: 'backend_problem', operation: 'read', error });
    return emptyLookup(call, 'l2', tiers.position);
  }
}
