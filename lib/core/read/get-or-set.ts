import type { AsyncContext } from '../../ports/context.js';
import type { Entry } from '../../ports/entry.js';
import type { Backoff } from './backoff.js';
import type { Call } from '../options/call.js';
import type { Outcome } from '../observe/events.js';
import { Flight, type Landing } from './flight.js';
import type { Loader } from './load.js';
import { shouldRefreshEarly } from '../groups/freshness.js';
import type { SingleFlight } from './single-flight.js';
import type { Stats } from '../observe/stats.js';
import { Shared, type Taker } from './shared-value.js';
import type { Look, Tiers } from './tiers.js';
import { SOFT_TIMEOUT, waitFor } from './wait-for.js';

/** What one call came to. */
export interface Answer {
  readonly outcome: Outcome;
  readonly tier: 'l1' | 'l2' | undefined;
  readonly taker: Taker;
  /** The entry behind the answer, when there is one. */
  readonly entry: Entry | undefined;
}

export interface ReadThroughParts {
  readonly tiers: Tiers;
  readonly flights: SingleFlight;
  readonly loader: Loader;
  readonly stats: Stats;
  readonly backoff: Backoff;
  readonly context: AsyncContext;
  readonly moment: () => number;
  readonly failed: (during: string, error: unknown) => void;
}

/** The coherence bound while nothing is heard, in ms: what reads may be behind the changes of others. */
const BOUND_MS = 3_000;

/**
 * Get or set, whole: look, judge, join or load.
 *
 * Who may join a flight? A value whose production began before an invalidation must not reach a caller who came after it was acknowledged. So a
 * caller joins only if one of these holds:
 * 1. the production began after the caller came (`producedFrom > asked`);
 * 2. this process learns of every invalidation (`coherent`): then the flight would have been detached;
 * 3. the backend, asked after the caller came, still holds the flight's lease (no delete since) and shows the clocks that the flight started
 *    from (no invalidation in its scopes since);
 * 4. the backend is away, so that nobody can know, and the production began no longer ago than an L1 may lag behind: one production for all who
 *    come within that time, and nothing older than that for anyone.
 * Guarded by the schedule tests and the process runs.
 */
export class ReadThrough {
  constructor(readonly parts: ReadThroughParts) {}

  /** Nearly every call finds something fresh, so that way makes no more promises than it needs. */
  run(call: Call): Promise<Answer> {
    const { tiers, flights } = this.parts;
    const asked = this.parts.moment();
    const running = flights.find(call.storageKey, call.policy.codec);
    // A refresh in the background is nothing to wait for while there is something to answer with.
    if (running?.background === false && (tiers.coherent || running.producedFrom > asked)) {
      return this.#join(running, call, asked, undefined, 'joined').then(
        (answer) => answer ?? this.#again(call),
      );
    }
    return this.#ask(call, flights.has(call.storageKey), asked);
  }

  /** What was waited for did not count for this caller. */
  #again(call: Call): Promise<Answer> {
    const { tiers, flights, loader } = this.parts;
    call.backendBy = tiers.clock.now() + loader.parts.settings.backendTimeout;
    return this.#ask(call, flights.has(call.storageKey), this.parts.moment());
  }

  #ask(call: Call, withLease: boolean, asked: number): Promise<Answer> {
    const { tiers } = this.parts;
    const near = tiers.usable ? tiers.lookNear(call) : tiers.nothing(call);
    if (near !== undefined) return this.#decideNow(call, near, asked);
    const began = tiers.fences.moment();
    return tiers.read(call, call.groups, withLease).then(
      (reading) => {
        const look = tiers.judge(call, reading, began, withLease);
        return look instanceof Promise
          ? this.#decideLater(call, look, asked)
          : this.#decide(call, look, asked);
      },
      (error: unknown) => this.#decide(call, this.#unseen(call, error), asked),
    );
  }

  async #decideLater(call: Call, looking: Promise<Look>, asked: number): Promise<Answer> {
    const look = await looking.catch((error: unknown) => this.#unseen(call, error));
    return this.#decide(call, look, asked);
  }

  async #decideNow(call: Call, look: Look, asked: number): Promise<Answer> {
    return this.#decide(call, look, asked);
  }

  #decide(call: Call, look: Look, asked: number): Answer | Promise<Answer> {
    const { tiers, flights, loader, backoff, context } = this.parts;
    if (look.verdict === 'fresh' && call.policy.refreshAhead === false)
      return this.#answer('hit', look);
    const paused = backoff.isPaused(call.storageKey, tiers.clock.now());
    if (look.verdict === 'fresh') return this.#hit(call, look, paused, asked);
    if (look.verdict === 'stale') return this.#stale(call, look, paused, asked);
    if (look.verdict === 'fallback' && paused) return this.#answer('fallback', look);

    const found = flights.find(call.storageKey, call.policy.codec);
    const joins = found !== undefined && this.#mayJoin(found, asked, look);
    const own = context.current();
    if (!joins && own instanceof Flight) flights.refuseReentry(own, call.storageKey);
    const closed = joins || call.outlasted ? undefined : this.#storable(call, look);
    const flight = joins ? found : (closed ?? loader.start(call, look, false, asked));
    const answered =
      closed === undefined
        ? this.#join(flight, call, asked, look, joins ? 'joined' : 'miss')
        : this.#outlast(closed, call, asked, look);
    return answered.then((answer) => answer ?? this.#again(call));
  }

  async look(call: Call, withLease: boolean): Promise<Look> {
    const { tiers } = this.parts;
    try {
      return await (tiers.usable ? tiers.look(call, withLease) : tiers.nothing(call));
    } catch (error) {
      return this.#unseen(call, error);
    }
  }

  /** The backend could not be asked, which is as if it had nothing. */
  #unseen(call: Call, error: unknown): Look {
    this.parts.stats.cache_read_err++;
    this.parts.failed('read', error);
    return this.parts.tiers.nothing(call);
  }

  #mayJoin(flight: Flight, asked: number, look: Look): boolean {
    const { tiers } = this.parts;
    if (tiers.coherent || flight.producedFrom > asked) return true;
    if (!tiers.usable) return tiers.clock.now() - flight.producedAt < BOUND_MS;
    if (flight.lease === undefined || look.lease !== flight.lease || look.scopes === undefined)
      return false;
    return look.scopes.every(
      (scope, i) => scope.clock !== undefined && scope.clock === flight.startTicks[i],
    );
  }

  /** A load of this process that the caller may not share although nothing is known against its being stored: something else moved. */
  #storable(call: Call, look: Look): Flight | undefined {
    const { flights, loader, tiers } = this.parts;
    const flight = flights.findStorable(call.storageKey, call.policy.codec);
    if (flight === undefined || tiers.local || flight.producedFrom === Infinity) return flight;
    const { lease } = flight;
    if (lease === undefined || look.lease !== lease || look.scopes === undefined) return undefined;
    return loader.parts.desk.isDead(lease, look) ? undefined : flight;
  }

  #hit(call: Call, look: Look, paused: boolean, asked: number): Answer {
    const { tiers } = this.parts;
    const due =
      look.entry !== undefined &&
      shouldRefreshEarly(
        look.entry,
        tiers.store.now(),
        call.policy.refreshAhead,
        1 - Math.random(),
      );
    if (due && !paused) this.refresh(call, look, asked);
    return this.#answer('hit', look);
  }

  #stale(call: Call, look: Look, paused: boolean, asked: number): Answer {
    if (!paused) this.refresh(call, look, asked);
    return this.#answer('stale', look);
  }

  /** One refresh in the background, unless the key is being loaded already. */
  refresh(call: Call, look: Look, asked: number): void {
    const { flights, loader, stats } = this.parts;
    if (flights.find(call.storageKey, call.policy.codec) !== undefined) return;
    stats.cache_refreshes++;
    const { landing } = loader.start({ ...call, signal: undefined }, look, true, asked);
    call.onRefresh?.(landing);
  }

  #answer(outcome: Outcome, look: Look): Answer {
    return { outcome, tier: look.tier, taker: look.taker ?? NOTHING, entry: look.entry };
  }

  /** @returns undefined when the landing does not count for this caller, who then asks again */
  async #join(
    flight: Flight,
    call: Call,
    asked: number,
    look: Look | undefined,
    outcome: 'joined' | 'miss',
  ): Promise<Answer | undefined> {
    const { context, stats, tiers } = this.parts;
    const { coherent } = tiers;
    const candidate = this.#standIn(flight, asked, look);
    // Its stand-in may be too old for this caller, who therefore looks for one first.
    if (look === undefined && candidate === undefined && flight.candidate !== undefined)
      return undefined;
    const own = context.current();
    const arrived = own instanceof Flight ? own.waitFor(flight) : undefined;
    flight.enter();
    if (outcome === 'joined') call.onWait?.();
    let landing: Landing | typeof SOFT_TIMEOUT;
    try {
      landing = await waitFor(
        flight,
        call,
        candidate === undefined ? 0 : call.policy.softTimeout,
        tiers.clock,
      );
    } finally {
      arrived?.();
    }
    if (landing === SOFT_TIMEOUT)
      return candidate === undefined ? undefined : this.#answer('stale', candidate);
    switch (landing.kind) {
      case 'again':
        return undefined;
      case 'found':
        if (landing.asOf < asked && !coherent) return undefined;
        stats.cache_hits_after_lock++;
        return { outcome, tier: 'l2', taker: landing.taker, entry: landing.entry };
      case 'fallback':
        return candidate === undefined ? undefined : this.#answer('fallback', candidate);
      case 'produced':
        return { outcome, tier: undefined, taker: landing.taker, entry: landing.entry };
    }
  }

  /**
   * Waits for a load that the caller may not share: what it stores is judged by the markers then, like anything stored. The hard timeout of that
   * load bounds the waiting, which a call does once.
   * @returns undefined when that load has ended, for the caller to ask again
   */
  async #outlast(
    flight: Flight,
    call: Call,
    asked: number,
    look: Look,
  ): Promise<Answer | undefined> {
    const { context, tiers } = this.parts;
    const candidate = look.taker === undefined ? undefined : look;
    const own = context.current();
    const arrived = own instanceof Flight ? own.waitFor(flight) : undefined;
    call.outlasted = true;
    flight.enter();
    call.onWait?.();
    try {
      const landing = await waitFor(
        flight,
        call,
        candidate === undefined ? 0 : call.policy.softTimeout,
        tiers.clock,
      );
      if (landing === SOFT_TIMEOUT) return this.#answer('stale', look);
      if (landing.kind === 'produced' && flight.producedFrom > asked)
        return { outcome: 'joined', tier: undefined, taker: landing.taker, entry: landing.entry };
    } catch (error) {
      // The error of a production that began before an invalidation may be as old as its value.
      if (call.signal?.aborted === true || flight.producedFrom > asked) throw error;
    } finally {
      arrived?.();
    }
    await flight.ended;
    return undefined;
  }

  /**
   * The stale value that may stand in for a slow or failing production: what this caller saw itself, else what the flight began with, unless that
   * was read before the caller came and an invalidation may lie in between: one not heard of yet, or one that came before the flight was there to
   * be detached.
   */
  #standIn(flight: Flight, asked: number, look: Look | undefined): Look | undefined {
    if (look?.taker !== undefined) return look;
    const holds = this.parts.tiers.coherent && flight.candidateHolds;
    return holds || flight.candidateAsOf >= asked ? flight.candidate : undefined;
  }
}

const NOTHING: Taker = new Shared(undefined);
