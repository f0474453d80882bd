import type { AsyncContext } from '../ports/context.js';
import type { CacheBackend } from '../ports/backend.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Envelope } from '../ports/entry.js';
import { BackendError, CacheClosedError } from '../ports/errors.js';
import type { MemoryTier } from '../ports/memory-tier.js';
import type { SharedBackend } from '../ports/shared-backend.js';
import type { CallSeq, Millis } from '../ports/time.js';
import type { Change } from './groups/journal.js';
import { LocalInvalidations } from './groups/local-invalidations.js';
import { Invalidator } from './invalidate/invalidator.js';
import { Puts } from './invalidate/put.js';
import { Sets } from './invalidate/set.js';
import { WriteOrder } from './invalidate/write-order.js';
import { Background } from './observe/background.js';
import { Reporter } from './observe/reporter.js';
import type { Settings } from './options/options.js';
import { LeaseAcquirer } from './read/acquire-lease.js';
import { BackendLookups } from './read/backend-lookups.js';
import { Backoff } from './read/backoff.js';
import { EntryBuilder } from './read/entry-builder.js';
import { ReadThrough } from './read/get-or-set.js';
import { Leases } from './read/lease.js';
import { Loads } from './read/load.js';
import { LocalTier } from './read/local-tier.js';
import { EntryReader } from './read/lookup.js';
import { MarkerLifetimes } from './read/marker-lifetimes.js';
import { MemoryTiers } from './read/memory-tiers.js';
import { ProductionTracking } from './read/production-tracking.js';
import { race } from './read/race.js';
import { SharedTiers } from './read/shared-tiers.js';
import { SingleFlight } from './read/single-flight.js';
import type { Tiers } from './read/tiers.js';
import { Timeouts } from './read/timeouts.js';
import { TwoMethodTiers } from './read/two-method-tiers.js';

/** Where a cache keeps its entries. */
export type Storage =
  | { readonly kind: 'memory'; readonly memory: MemoryTier }
  | {
      readonly kind: 'shared';
      readonly backend: SharedBackend;
      readonly l1: MemoryTier | undefined;
    }
  | { readonly kind: 'two methods'; readonly backend: CacheBackend; readonly prefix: string };

export interface EngineParts {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly codecs: Map<string, Codec>;
  readonly envelope: Envelope;
  readonly clock: Clock;
  readonly context: AsyncContext;
  readonly warn: (error: unknown) => void;
  /** Unique among all processes. */
  readonly holder: string;
  /** Ends the backend after everything else. */
  readonly closeBackend: () => Promise<void>;
}

/** How long `close` waits for what is under way. */
const CLOSE_MS: Millis = 1_500;

/** What caches on one namespace of one memory backend share: they see each other's changes. */
class LocalState {
  readonly flights = new SingleFlight();
  readonly puts = new SingleFlight();
  readonly invalidations: LocalInvalidations;
  #seq: CallSeq = 0;

  constructor(
    clock: Clock,
    readonly context: AsyncContext,
  ) {
    this.invalidations = new LocalInvalidations(() => clock.now());
  }

  readonly nextSeq = (): CallSeq => ++this.#seq;
}

/** Lives and dies with the memory tier that it belongs to. */
const LOCAL_STATES = new WeakMap<object, LocalState>();

/** The parts of one cache, wired. */
export class Engine {
  readonly settings: Settings;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly codecs: Map<string, Codec>;
  readonly context: AsyncContext;
  readonly tiers: Tiers;
  readonly reader: EntryReader;
  readonly flights: SingleFlight;
  readonly loads: Loads;
  readonly readThrough: ReadThrough;
  readonly invalidator: Invalidator;
  readonly sets: Sets;
  readonly puts: Puts;
  readonly background: Background;
  readonly timeouts: Timeouts;
  readonly leases: Leases | undefined;
  readonly order = new WriteOrder();
  readonly #endSubscriptions: (() => void)[] = [];
  readonly #closeBackend: () => Promise<void>;
  #isClosed = false;

  constructor(parts: EngineParts) {
    const { settings, storage, clock, codecs } = parts;
    const { order } = this;
    const { flights, puts, invalidations, context, nextSeq } = localStateOf(parts);
    this.settings = settings;
    this.clock = clock;
    this.codecs = codecs;
    this.context = context;
    this.flights = flights;
    this.#closeBackend = parts.closeBackend;
    const reporter = (this.reporter = new Reporter(settings.exposeKeys, parts.warn));
    const background = (this.background = new Background((error) => {
      reporter.report({ type: 'backend_problem', operation: 'background', error });
    }));
    this.reader = new EntryReader(codecs, reporter);
    this.timeouts = new Timeouts(clock);
    const backend = storage.kind === 'shared' ? storage.backend : undefined;
    if (backend !== undefined) {
      this.leases = new Leases(
        backend,
        clock,
        settings.leaseTtl,
        background,
        this.timeouts,
        parts.holder,
      );
    }
    this.invalidator = new Invalidator(
      {
        flights,
        puts,
        invalidations,
        l1: storage.kind === 'shared' ? storage.l1 : undefined,
        backend,
        order,
        background,
        clock,
        reporter,
        onReleased: (storageKey) => this.leases?.onReleased(storageKey),
      },
      () => this.tiers,
    );
    const tiers = (this.tiers = this.#tiers(parts, invalidations, nextSeq));
    const entries = new EntryBuilder(tiers, clock, reporter, settings.maxValueBytes);
    const backoff = new Backoff();
    const tracking = new ProductionTracking();
    const loadParts = { tiers, flights, reporter, backoff, context, tracking, clock, nextSeq };
    this.loads = new Loads({ ...loadParts, entries, timeouts: this.timeouts });
    this.readThrough = new ReadThrough({
      ...loadParts,
      loads: this.loads,
      backendTimeout: settings.backendTimeout,
      isClosed: () => this.#isClosed,
    });
    const apply = (changes: readonly Change[]): Promise<boolean> => this.apply(changes);
    const { replicaLag } = settings;
    const { invalidator } = this;
    this.sets = new Sets({ tiers, entries, invalidator, order, reporter, replicaLag, apply });
    const { sets } = this;
    this.puts = new Puts({ tiers, flights: puts, entries, sets, order, reporter, clock, apply });
    if (backend !== undefined) this.#subscribe(backend);
  }

  /** @returns false when some of the changes wait in the journal */
  async apply(changes: readonly Change[]): Promise<boolean> {
    const { reporter } = this;
    reporter.stats.cache_invalidations++;
    const durable = await this.invalidator.apply(changes);
    if (!durable) reporter.stats.cache_invalidations_deferred++;
    if (reporter.events.hasListeners) {
      let [keys, groups] = [0, 0];
      for (const change of changes) {
        if (change.kind === 'keys') keys += change.keys.length;
        else groups += change.invalidation.groups.length;
      }
      reporter.report({ type: 'invalidated', durable, keys, groups });
    }
    return durable;
  }

  /** Without the cache: in a unit of work, and after it was closed. */
  produceUncached: Loads['produceUncached'] = (call) => {
    this.reporter.stats.cache_bypassed++;
    return this.loads.produceUncached(call);
  };

  /** Settles when no load, write or refresh of this cache is under way. */
  async drain(): Promise<void> {
    let running = this.flights.ownedBy(this.loads);
    do {
      await Promise.all(running.map((flight) => flight.whenFinished()));
      await this.background.drain();
      running = this.flights.ownedBy(this.loads);
    } while (running.length > 0 || this.background.size > 0);
  }

  /** Waits for what is under way, within a limit, and aborts the rest. */
  async close(): Promise<void> {
    const { tiers, invalidator, reporter, clock } = this;
    this.#isClosed = true;
    this.puts.close();
    await race(this.drain(), { clock, ms: CLOSE_MS });
    if (invalidator.pending > 0) {
      const error = new BackendError(
        'UNAVAILABLE',
        `${String(invalidator.pending)} invalidations could not be delivered before the cache ` +
          'was closed.',
      );
      reporter.report({ type: 'backend_problem', operation: 'close', error });
    }
    invalidator.close();
    const reason = new CacheClosedError(
      'The cache was closed while this value was being produced.',
    );
    this.flights.abortAll(this.loads, reason);
    for (const end of this.#endSubscriptions) end();
    const closing = tiers.close().then(() => this.#closeBackend());
    const ended = Promise.allSettled([closing, this.background.drain()]);
    await race(ended, { clock, ms: CLOSE_MS / 3 });
    this.timeouts.stop();
  }

  #subscribe(backend: SharedBackend): void {
    this.#endSubscriptions.push(
      backend.subscribe((notice) => {
        this.invalidator.onNotice(notice);
      }),
      backend.onState((state) => {
        this.reporter.report({ type: 'backend_state', state });
        if (state === 'up') this.invalidator.onReconnect();
      }),
    );
  }

  #tiers(
    { settings, storage, clock, envelope }: EngineParts,
    invalidations: LocalInvalidations,
    nextSeq: () => CallSeq,
  ): Tiers {
    const { reader, background, reporter, leases } = this;
    const now = (): Millis => clock.now();
    const isDrained = (): boolean => this.invalidator.isDrained;
    const { backendTimeout, leaseWait } = settings;
    if (storage.kind === 'memory') {
      const local = new LocalTier(storage.memory, invalidations, reader, now, now);
      return new MemoryTiers(local, background);
    }
    if (storage.kind === 'two methods') {
      const { backend, prefix } = storage;
      const timeoutMs = backendTimeout;
      const parts = {
        backend,
        prefix,
        invalidations,
        reader,
        envelope,
        clock,
        timeoutMs,
        isDrained,
      };
      return new TwoMethodTiers(parts);
    }
    const { backend, l1 } = storage;
    const sharedNow = (): Millis => backend.now();
    const markers = new MarkerLifetimes();
    if (leases === undefined) throw new TypeError('A shared backend needs leases.');
    const shared = { backend, leases, clock, reporter };
    const local =
      l1 === undefined ? undefined : new LocalTier(l1, invalidations, reader, sharedNow, now);
    const entries = { l1: local, invalidations, envelope };
    const isUsable = (): boolean => this.tiers.isUsable;
    return new SharedTiers({
      ...shared,
      markers,
      ...entries,
      lookups: new BackendLookups({ ...entries, backend, reader, clock, isUsable }),
      acquirer: new LeaseAcquirer({ ...shared, leaseWait, backendTimeout, nextSeq }),
      background,
      isDrained,
    });
  }
}

function localStateOf({ storage, clock, context }: EngineParts): LocalState {
  if (storage.kind !== 'memory') return new LocalState(clock, context);
  const { namespace } = storage.memory;
  let state = LOCAL_STATES.get(namespace);
  if (state === undefined) {
    state = new LocalState(clock, context);
    LOCAL_STATES.set(namespace, state);
  }
  return state;
}
