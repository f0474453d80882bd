import type { AsyncContext } from '../ports/context.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Entry } from '../ports/entry.js';
import { BackendError, CacheClosedError, ProducerTimeoutError } from '../ports/errors.js';
import type { SharedBackend, MemoryTier } from '../ports/shared-backend.js';
import { Background } from './observe/background.js';
import { Backoff } from './read/backoff.js';
import type { Call } from './options/call.js';
import { CacheEvents, type Outcome } from './observe/events.js';
import { type Answer, ReadThrough } from './read/get-or-set.js';
import { Invalidator } from './invalidate/invalidator.js';
import type { Change } from './groups/journal.js';
import { redacted } from './key/key.js';
import { LeaseDesk } from './read/lease.js';
import { Loader } from './read/load.js';
import { MarkerKeeper } from './read/marker-keeper.js';
import type { Settings } from './options/options.js';
import { produceAlone } from './read/produce.js';
import { Puts } from './invalidate/set.js';
import { SingleFlight } from './read/single-flight.js';
import { Stats } from './observe/stats.js';
import { Tiers } from './read/tiers.js';

export interface EngineParts {
  readonly settings: Settings;
  readonly store: SharedBackend<Entry>;
  readonly near: MemoryTier | undefined;
  /** The near store is all there is. */
  readonly local: boolean;
  readonly codecs: Map<string, Codec>;
  readonly clock: Clock;
  readonly context: AsyncContext;
  readonly warn: (error: unknown) => void;
  /** Unique among all processes. */
  readonly holder: string;
  /** Ends the backend after the store. */
  readonly closeBackend: () => Promise<void>;
}

const CLOSE_MS = 1_500;
const LOCAL_LEASE_MS = 24 * 3_600_000;

/** The parts of a cache, wired. */
export class Engine {
  readonly settings: Settings;
  readonly stats = new Stats();
  readonly events: CacheEvents;
  readonly tiers: Tiers;
  readonly flights = new SingleFlight();
  readonly background: Background;
  readonly invalidator: Invalidator;
  readonly puts: Puts;
  readonly readThrough: ReadThrough;
  readonly context: AsyncContext;
  readonly #closeBackend: () => Promise<void>;
  readonly #ends: (() => void)[];
  readonly #sweeping = new AbortController();
  #moment = 0;

  constructor({
    settings,
    store,
    near,
    local,
    codecs,
    clock,
    context,
    warn,
    holder,
    closeBackend,
  }: EngineParts) {
    const { stats, flights } = this;
    this.settings = settings;
    this.context = context;
    this.#closeBackend = closeBackend;
    const events = new CacheEvents(warn);
    this.events = events;
    const moment = (): number => ++this.#moment;
    const label = (storageKey: string): string => this.#label(storageKey);
    const failed = (operation: string, error: unknown): void => {
      this.failed(operation, error);
    };
    this.background = new Background((error) => {
      failed('background', error);
    });
    const { background } = this;
    // In memory nobody but this process holds leases: they end with their flight.
    const desk = new LeaseDesk(
      store,
      clock,
      local ? LOCAL_LEASE_MS : settings.leaseTtl,
      background,
      holder,
    );
    const corrupt = (key: string, error: unknown): void => {
      this.corrupt(key, error);
    };
    this.tiers = new Tiers(
      store,
      near,
      local,
      codecs,
      clock,
      corrupt,
      () => this.invalidator.settled,
    );
    const { tiers } = this;
    const journaled = (happened: 'replayed' | 'overflowed', count: number): void => {
      if (events.hasListeners) events.emit({ type: `journal_${happened}`, count });
    };
    const gap = (reason: string): void => {
      if (events.hasListeners) events.emit({ type: 'notices_missed', reason });
    };
    const sweep = (scope: string): void => {
      background.run(() => store.reclaim(scope, this.#sweeping.signal));
    };
    this.invalidator = new Invalidator(
      { store, flights, desk, background, clock, failed, journaled, gap, sweep },
      () => tiers,
    );
    const keeper = new MarkerKeeper(store);
    const apply = (changes: readonly Change[]): Promise<boolean> => this.apply(changes);
    this.puts = new Puts({
      settings,
      tiers,
      desk,
      keeper,
      invalidator: this.invalidator,
      stats,
      events,
      label,
      failed,
      apply,
    });
    const backoff = new Backoff();
    const loader = new Loader({
      settings,
      tiers,
      desk,
      keeper,
      flights,
      stats,
      events,
      backoff,
      context,
      moment,
      label,
      failed,
    });
    this.readThrough = new ReadThrough({
      tiers,
      flights,
      loader,
      stats,
      backoff,
      context,
      moment,
      failed,
    });
    this.#ends = [
      store.subscribe((notice) => {
        this.invalidator.hear(notice);
      }),
      store.onState((state) => {
        if (events.hasListeners) events.emit({ type: 'backend_state', state });
        if (state === 'up') this.invalidator.reconnected();
      }),
    ];
  }

  hitNear(storageKey: string): void {
    this.stats.cache_hits++;
    this.stats.cache_l1_hits++;
    if (this.events.hasOutcomeListeners) this.#tell('hit', 'l1', storageKey);
  }

  /**
   * Counts the outcome of a call; exactly once.
   * @param riders count it for those who share the answer instead, as often as there are any in the end
   */
  count(call: Call, running: Promise<Answer>, riders = false): Promise<Answer> {
    return running.then(
      (answer) => {
        for (let left = riders ? call.riders : 1; left > 0; left--) this.counted(call, answer);
        return answer;
      },
      (error: unknown) => {
        for (let left = riders ? call.riders : 1; left > 0; left--) this.countedError(call);
        throw error;
      },
    );
  }

  counted(call: Call, { outcome, tier }: Answer): void {
    this.#count(outcome, tier);
    if (this.events.hasOutcomeListeners) this.#tell(outcome, tier, call.storageKey);
  }

  countedError(call: Call): void {
    this.stats.cache_misses++;
    if (this.events.hasOutcomeListeners) this.#tell('error', undefined, call.storageKey);
  }

  #count(outcome: Outcome, tier: 'l1' | 'l2' | undefined): void {
    const { stats } = this;
    if (outcome === 'hit' || outcome === 'stale') {
      stats.cache_hits++;
      if (outcome === 'stale') stats.cache_stale++;
      if (tier === 'l1') stats.cache_l1_hits++;
      return;
    }
    stats.cache_misses++;
    if (outcome === 'joined') stats.cache_joined++;
    else if (outcome === 'fallback') stats.cache_fallback++;
  }

  /** A look without a load. */
  async peek(call: Call): Promise<unknown> {
    const { tiers } = this;
    try {
      const look = tiers.usable ? await tiers.look(call, false) : undefined;
      const hit = look?.verdict === 'fresh' ? look : undefined;
      this.#count(hit === undefined ? 'miss' : 'hit', hit?.tier);
      if (this.events.hasOutcomeListeners)
        this.#tell(hit === undefined ? 'miss' : 'hit', hit?.tier, call.storageKey);
      return hit?.taker?.take();
    } catch (error) {
      this.stats.cache_read_err++;
      this.failed('read', error);
      this.#count('miss', undefined);
      if (this.events.hasOutcomeListeners) this.#tell('miss', undefined, call.storageKey);
      return undefined;
    }
  }

  /** Without the cache: in a unit of work, and after it was closed. */
  async bypass(call: Call): Promise<unknown> {
    this.stats.cache_bypassed++;
    try {
      return await produceAlone(call, this.tiers.clock, this.context);
    } catch (error) {
      if (error instanceof ProducerTimeoutError) this.stats.cache_producer_timeouts++;
      throw error;
    }
  }

  async apply(changes: readonly Change[]): Promise<boolean> {
    this.stats.cache_invalidations++;
    this.puts.overtake(changes);
    const durable = await this.invalidator.apply(changes);
    if (!durable) this.stats.cache_invalidations_deferred++;
    if (this.events.hasListeners) {
      const keys = changes.reduce(
        (sum, change) => sum + (change.kind === 'keys' ? change.keys.length : 0),
        0,
      );
      const groups = changes.reduce(
        (sum, change) => sum + (change.kind === 'groups' ? change.invalidation.groups.length : 0),
        0,
      );
      this.events.emit({ type: 'invalidated', durable, keys, groups });
    }
    return durable;
  }

  corrupt(storageKey: string, error: unknown): void {
    this.stats.cache_corrupt++;
    if (this.events.hasListeners)
      this.events.emit({ type: 'corrupt', key: this.#label(storageKey), error });
  }

  failed(operation: string, error: unknown): void {
    if (this.events.hasListeners) this.events.emit({ type: 'backend_problem', operation, error });
  }

  async drain(): Promise<void> {
    do {
      await this.flights.settled();
      await this.background.drain();
    } while (this.flights.size > 0 || this.background.size > 0);
  }

  /** Runs out what runs, within a limit; then aborts it. */
  async close(): Promise<void> {
    const { tiers, invalidator, background } = this;
    this.#sweeping.abort();
    this.puts.close();
    await this.#within(CLOSE_MS, this.drain());
    if (invalidator.pending > 0) {
      this.failed(
        'close',
        new BackendError(
          'UNAVAILABLE',
          `${String(invalidator.pending)} invalidations could not be delivered before the cache was closed.`,
        ),
      );
    }
    invalidator.close();
    this.flights.abortAll(
      new CacheClosedError('The cache was closed while this value was being produced.'),
    );
    for (const end of this.#ends) end();
    await this.#within(
      CLOSE_MS / 3,
      Promise.allSettled([
        tiers.store.close().then(() => this.#closeBackend()),
        background.drain(),
      ]),
    );
  }

  #within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.tiers.clock.after(ms, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }

  #tell(outcome: Outcome, tier: 'l1' | 'l2' | undefined, storageKey: string): void {
    this.events.emit({ type: 'outcome', outcome, tier, key: this.#label(storageKey) });
  }

  #label(storageKey: string): string {
    return this.settings.exposeKeys ? storageKey : redacted(storageKey);
  }
}
