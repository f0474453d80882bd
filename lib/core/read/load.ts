import type { AsyncContext } from '../../ports/context.js';
import type { Payload } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import { ProducerTimeoutError } from '../../ports/errors.js';
import type { ScopeGroups } from '../../ports/shared-backend.js';
import type { Backoff } from './backoff.js';
import type { Call } from '../options/call.js';
import type { CacheEvents } from '../observe/events.js';
import { Flight } from './flight.js';
import { normalizeTags, groupsOf, includes, settleUntil, unionTags } from '../groups/groups.js';
import type { LeaseDesk } from './lease.js';
import type { MarkerKeeper } from './marker-keeper.js';
import { type Settings, ttlFor } from '../options/options.js';
import { capExpiry, deadlines, expiresAt } from '../groups/freshness.js';
import { type Production, produce } from './produce.js';
import type { SingleFlight } from './single-flight.js';
import type { Stats } from '../observe/stats.js';
import { encode, frozenOf, Shared, type Taker, takerOf } from './shared-value.js';
import type { Look, Tiers } from './tiers.js';
import { takeTurn, type Turn } from './turn.js';

export interface LoaderParts {
  readonly settings: Settings;
  readonly tiers: Tiers;
  readonly desk: LeaseDesk;
  readonly keeper: MarkerKeeper;
  readonly flights: SingleFlight;
  readonly stats: Stats;
  readonly events: CacheEvents;
  readonly backoff: Backoff;
  readonly context: AsyncContext;
  /** Counts calls and productions of this process: who came before whom. */
  readonly moment: () => number;
  readonly label: (storageKey: string) => string;
  /** Told of a backend that could not do its part. */
  readonly failed: (during: string, error: unknown) => void;
}

/** What is to be known of a load when its result is stored. */
interface Load {
  /** Groups whose settle windows the result respects already. */
  readonly known: readonly ScopeGroups[];
  /** Shared time. */
  readonly startedAt: number;
  /** Where this process stood, for what it has heard since. */
  readonly began: number;
}

/** Loads a key: turn, production, write. The only way a produced value is ever stored. */
export class Loader {
  constructor(readonly parts: LoaderParts) {}

  /**
   * Registers the flight before anything is awaited, so that the next caller finds it.
   * @param asOf the moment before `look` began
   */
  start(call: Call, look: Look, background: boolean, asOf: number): Flight {
    const candidate = look.taker === undefined || look.verdict === 'fresh' ? undefined : look;
    const holds = this.parts.tiers.fences.quietSince(look.began);
    const flight = new Flight(
      call.storageKey,
      call.groups,
      background,
      candidate,
      asOf,
      holds,
      call.policy.codec,
    );
    this.parts.flights.add(flight);
    void this.#fly(flight, call, look);
    return flight;
  }

  /** Never rejects: what happens to the flight is told to those who are in it. */
  async #fly(flight: Flight, call: Call, look: Look): Promise<void> {
    const { desk, flights, tiers } = this.parts;
    const began = tiers.fences.moment();
    let cancelRenewal = (): void => undefined;
    try {
      const turn = await this.#turn(flight, call, look);
      if (turn.state === 'landed') {
        flight.land(turn.landing);
        return;
      }
      if (flight.lease !== undefined && !tiers.local) cancelRenewal = desk.keepAlive(flight);
      flight.onAbort = () => {
        desk.release(flight);
      };
      flight.throwIfAborted();
      flight.producedFrom = this.parts.moment();
      flight.producedAt = tiers.clock.now();
      this.parts.stats.cache_productions++;
      const startedAt = tiers.store.now();
      const production = await produce(
        call,
        flight,
        staleOf(flight),
        tiers.clock,
        this.parts.context,
      );
      this.parts.backoff.onSuccess(call.storageKey);
      const { taker, entry } = this.#make(flight, call, production, turn.settleUntil);
      flight.land({ kind: 'produced', taker, entry });
      if (entry !== undefined)
        await this.#write(flight, call, entry, { known: turn.groups, startedAt, began });
    } catch (error) {
      this.#crash(flight, call, error);
    } finally {
      cancelRenewal();
      desk.release(flight);
      flights.remove(flight);
    }
  }

  async #turn(flight: Flight, call: Call, look: Look): Promise<Turn> {
    const { tiers, desk, keeper, settings, moment } = this.parts;
    const { leaseWait: waitMs, backendTimeout } = settings;
    // A look that was answered late may have waited for this busy process: without the lease the others would produce it again.
    if (look.scopes !== undefined)
      call.backendBy = Math.max(call.backendBy, tiers.clock.now() + backendTimeout / 2);
    // One that was not answered, and has used up the time for the backend, is answer enough.
    if (tiers.usable && (tiers.local || tiers.clock.now() < call.backendBy)) {
      try {
        return await takeTurn(flight, call, look, {
          tiers,
          desk,
          keeper,
          waitMs,
          backendTimeout,
          moment,
        });
      } catch (error) {
        this.parts.failed('acquire', error);
      }
    }
    // Without the backend there is no fence, so nothing is stored; the caller still gets the value.
    flight.storable = false;
    return { state: 'go', settleUntil: 0, groups: call.groups };
  }

  /** What callers get, and the entry when it is to be stored. */
  #make(
    flight: Flight,
    call: Call,
    production: Production,
    settleUntil: number,
  ): { taker: Taker; entry: Entry | undefined } {
    const { value } = production;
    const now = this.parts.tiers.store.now();
    // What began in a settle window may be old; when the window has ended meanwhile there is no time left to keep it for.
    const tooLate = settleUntil > 0 && settleUntil <= now;
    const entry =
      flight.storable && flight.lease !== undefined && !tooLate
        ? this.#decide(call, production)
        : undefined;
    if (value === undefined || (entry === undefined && flight.callers + call.riders <= 1))
      return { taker: new Shared(value), entry: undefined };
    const { codec } = call.policy;
    let body: Payload;
    try {
      body = encode(codec, value);
    } catch (error) {
      if (entry !== undefined) this.#unstorable(call, error);
      return { taker: new Shared(value), entry: undefined };
    }
    const frozen =
      this.parts.tiers.shares(codec) && entry !== undefined ? frozenOf(codec, body) : undefined;
    const taker = frozen === undefined ? takerOf(value, codec, body) : new Shared(frozen.value);
    if (entry === undefined) return { taker, entry };
    if (body.length > this.parts.settings.maxValueBytes) {
      this.#unstorable(
        call,
        new RangeError(
          `The encoded value has ${String(body.length)} bytes; maxValueBytes is ${String(this.parts.settings.maxValueBytes)}.`,
        ),
      );
      return { taker, entry: undefined };
    }
    const { ttl, tags } = entry;
    const { policy } = call;
    const staleWhileRevalidate = production.staleWhileRevalidate ?? policy.staleWhileRevalidate;
    const staleIfError = production.staleIfError ?? policy.staleIfError;
    const windows = deadlines(
      now,
      { ttl, staleWhileRevalidate, staleIfError },
      policy.jitter,
      Math.random(),
      settleUntil,
    );
    const { startTicks } = flight;
    return {
      taker,
      entry: {
        key: call.key.text,
        codec: codec.id,
        body,
        createdAt: now,
        ...windows,
        cost: production.cost,
        startTicks,
        tags,
      },
    };
  }

  /** Is it to be stored, for how long and under which tags? A callback that throws means: not stored. */
  #decide(
    call: Call,
    production: Production,
  ): { ttl: number; tags: readonly string[] } | undefined {
    const { value, skip } = production;
    if (value === undefined || skip) return undefined;
    let callback = 'unless';
    try {
      if (call.unless?.(value) === true) return undefined;
      callback = 'ttl';
      const ttl = ttlFor(call.policy, value, production.ttl);
      callback = 'tags';
      const tags = unionTags(
        call.tags,
        normalizeTags([...(call.resultTags?.(value) ?? []), ...production.tags]),
      );
      return ttl > 0 ? { ttl, tags } : undefined;
    } catch (error) {
      const { events, label } = this.parts;
      if (events.hasListeners)
        events.emit({ type: 'callback_failed', callback, key: label(call.storageKey), error });
      return undefined;
    }
  }

  async #write(
    flight: Flight,
    call: Call,
    made: Entry,
    { known, startedAt, began }: Load,
  ): Promise<void> {
    const { tiers, keeper, stats, events, label } = this.parts;
    const { lease } = flight;
    let entry = made;
    let stored = false;
    try {
      const groups =
        entry.tags.length === call.tags.length
          ? call.groups
          : groupsOf(call.key, call.plain, entry.tags);
      if (!includes(known, groups) || !keeper.areKept(groups, expiresAt(entry))) {
        const window = settleUntil(await keeper.ensure(groups, expiresAt(entry)));
        // The load may have read a replica that lagged behind a change of a tag which only its result told.
        if (window > startedAt) entry = capExpiry(entry, window);
      }
      const now = tiers.store.now();
      if (expiresAt(entry) <= now && entry !== made) return;
      if (flight.storable && lease !== undefined) {
        stored = await tiers.store.fill(
          call.storageKey,
          lease,
          entry,
          Math.max(1, Math.ceil(expiresAt(entry) - now)),
        );
      }
    } catch (error) {
      stats.cache_write_err++;
      if (events.hasListeners)
        events.emit({ type: 'write_failed', key: label(call.storageKey), error });
      return;
    }
    if (!stored) {
      stats.cache_fill_refused++;
      if (events.hasListeners) events.emit({ type: 'fill_refused', key: label(call.storageKey) });
      return;
    }
    stats.cache_fills++;
    flight.lease = undefined;
    if (flight.storable) tiers.keep(call.storageKey, entry, began);
  }

  #crash(flight: Flight, call: Call, error: unknown): void {
    const { stats, events, tiers, backoff, label } = this.parts;
    if (error instanceof ProducerTimeoutError) stats.cache_producer_timeouts++;
    else if (flight.producedFrom !== Infinity && flight.aborted === undefined)
      stats.cache_producer_err++;
    const { candidate } = flight;
    const now = tiers.store.now();
    if (events.hasListeners)
      events.emit({
        type: flight.background ? 'refresh_failed' : 'producer_error',
        key: label(call.storageKey),
        error,
      });
    // Nobody waiting any more says nothing about the origin.
    const abandoned =
      flight.aborted !== undefined && !(flight.aborted.reason instanceof ProducerTimeoutError);
    // A refresh before the end of the ttl has no stand-in, because nobody waits for it: the value is still fresh.
    if ((flight.background || candidate?.entry !== undefined) && !abandoned)
      backoff.onFailure(call.storageKey, tiers.clock.now());
    const entry = candidate?.entry;
    const inWindow =
      entry !== undefined && entry.fallbackUntil > entry.freshUntil && now < entry.fallbackUntil;
    if (
      inWindow &&
      candidate?.taker !== undefined &&
      mayStandIn(flight, error) &&
      this.#allowsFallback(call, error)
    ) {
      flight.land({ kind: 'fallback', taker: candidate.taker, entry, error });
    } else flight.fail(error);
  }

  #allowsFallback(call: Call, error: unknown): boolean {
    try {
      return call.policy.staleIfErrorWhen(error);
    } catch (problem) {
      const { events, label } = this.parts;
      if (events.hasListeners)
        events.emit({
          type: 'callback_failed',
          callback: 'staleIfErrorWhen',
          key: label(call.storageKey),
          error: problem,
        });
      return false;
    }
  }

  #unstorable(call: Call, error: unknown): void {
    const { stats, events, label } = this.parts;
    stats.cache_unstorable++;
    if (events.hasListeners)
      events.emit({ type: 'unstorable', key: label(call.storageKey), error });
  }
}

function staleOf(flight: Flight): { readonly value: unknown } | undefined {
  const taker = flight.candidate?.taker;
  return taker === undefined ? undefined : { value: taker.take() };
}

/** Not for a production that nobody waited for to its end: only a timeout of its own aborts one that somebody waits for. */
function mayStandIn(flight: Flight, error: unknown): boolean {
  return !flight.overtaken && (flight.aborted === undefined || flight.aborted.reason === error);
}
