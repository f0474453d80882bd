import type { Clock } from '../ports/clock.js';
import type { AsyncContext } from '../ports/context.js';
import type { MemoryEntry } from '../ports/shared-backend.js';
import { BatchReads } from './read/batch.js';
import { Boarding } from './read/boarding.js';
import { CallResolver, noProducer } from './options/resolve-call.js';
import { assertArray, assertEntries } from './options/validate-call.js';
import { Invalidations } from './invalidate/invalidations.js';
import { detailed, type GetOrSetResult } from './read/detailed-answer.js';
import type { Engine } from './compose.js';
import type { CacheEvents } from './observe/events.js';
import { type Inspection, inspect } from './read/inspect.js';
import { type CacheKey, type CacheKeyBuilder, storageKey } from './key/key.js';
import type { EntryPolicy } from './options/options.js';
import { Results } from './invalidate/results.js';
import type { Counters } from './observe/stats.js';
import type {
  BatchProducer,
  EntryOptions,
  GetOrSetOptions,
  InvalidateRequest,
  InvalidationResult,
  InvalidationRule,
  KeyLike,
  Producer,
  SetOptions,
  Tenancy,
  WarmUpOptions,
  WarmUpResult,
} from './options/types.js';
import { type UnitOfWorkOptions, UnitOfWorkRegistry } from './invalidate/unit-of-work.js';

/**
 * A cache: what `createCache()` returns and what Nest injects. All methods take a built key or a plain string.
 *
 * Costs: an L1 or memory hit no round trip, an L2 hit one, a miss two before its production and one after it that nobody waits for.
 */
export class CacheService {
  readonly #engine: Engine;
  readonly #calls: CallResolver;
  readonly #batches: BatchReads;
  readonly #units: UnitOfWorkRegistry;
  readonly #changes: Invalidations;
  readonly #boarding: Boarding;
  /** @internal */ readonly puts: Results;
  #closed = false;

  /** @internal Use `createCache()` or `CacheModule`. */
  constructor(engine: Engine, newContext: () => AsyncContext, rules: readonly InvalidationRule[]) {
    this.#engine = engine;
    this.#units = new UnitOfWorkRegistry(engine, newContext());
    this.#changes = new Invalidations(engine, this.#units, newContext(), rules);
    this.#calls = new CallResolver(engine.settings, engine.tiers);
    this.#batches = new BatchReads(engine, this.#calls, this.#units);
    this.#boarding = new Boarding(engine);
    this.puts = new Results(this.#calls, this.#changes);
  }

  get name(): string {
    return this.#engine.settings.name;
  }

  get events(): CacheEvents {
    return this.#engine.events;
  }

  /** Does the cache find the tenant of a call by itself? */
  get hasTenantResolver(): boolean {
    return this.#engine.settings.hasTenantResolver;
  }

  get tenancy(): Tenancy {
    return this.#engine.settings.tenancy;
  }

  /** What holds for entries of which nothing else is said. */
  get defaults(): Pick<
    EntryPolicy,
    'ttl' | 'nullTtl' | 'staleWhileRevalidate' | 'staleIfError' | 'codec'
  > {
    const { ttl, nullTtl, staleWhileRevalidate, staleIfError, codec } =
      this.#engine.settings.policy;
    return { ttl, nullTtl, staleWhileRevalidate, staleIfError, codec };
  }

  get clock(): Clock {
    return this.#engine.tiers.clock;
  }

  /** A key builder that already has the tenant the resolver gives, when it gives one. */
  key(): CacheKeyBuilder {
    return this.#calls.builder();
  }

  /**
   * The value of the key; produced once, however many callers, when there is no fresh one. A producer's error reaches every caller unchanged and
   * is not stored; `undefined` is returned and not stored; `null` is stored.
   * @throws CacheKeyError (`CACHE_KEY`), CacheConfigError (`CACHE_CONFIG`), ProducerTimeoutError (`CACHE_PRODUCER_TIMEOUT`),
   * ReentrantProducerError (`CACHE_REENTRANT`), and what the producer throws; never because the backend failed
   */
  getOrSet<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#get(key, producer, options, undefined);
  }

  /** As `getOrSet`, stored as JSON: readable in the backend. */
  getOrSetJson<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#get(key, producer, options, this.#calls.json);
  }

  /** As `getOrSet`, stored as CBOR (RFC 8949): smaller, for binary payloads. */
  getOrSetCbor<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#get(key, producer, options, this.#calls.cbor);
  }

  /** As `getOrSet`, and says what came of the call. */
  async getOrSetDetailed<T>(
    like: KeyLike,
    producer: Producer<T>,
    options?: GetOrSetOptions<T>,
  ): Promise<GetOrSetResult<T>> {
    const found = this.peekMemory<T>(like, options);
    if (found !== undefined) return found;
    const call = this.#calls.call(like, producer, options);
    const inUnit = this.#units.current !== undefined;
    const clean = inUnit && !this.#closed ? await this.#units.find(call) : undefined;
    if (clean !== undefined) return detailed(clean.taker.take() as T, 'hit', clean.entry);
    if (inUnit || this.#closed)
      return detailed((await this.#engine.bypass(call)) as T, 'bypass', undefined);
    const { entry, outcome, taker } = await this.#engine.count(
      call,
      this.#engine.readThrough.run(call),
    );
    return detailed(taker.take() as T, outcome, entry);
  }

  /** @internal As `getOrSetDetailed` when a fresh value is in memory, without a promise; undefined when anything else has to be asked. */
  peekMemory<T>(like: KeyLike, options?: GetOrSetOptions<T>): GetOrSetResult<T> | undefined {
    const key = this.#calls.key(like);
    const found =
      this.#units.current === undefined
        ? this.#nearHit(key, this.#calls.policy(options))
        : undefined;
    return found === undefined
      ? undefined
      : detailed(this.#engine.tiers.valueOf(found) as T, 'hit', found.entry);
  }

  /**
   * Many keys at once; what is missing is produced in one call of `produceMissing`, which gets the missing keys and returns their values in that
   * order; an `Error` in place of a value fails only that key. Looks travel together, 1,000 in a round trip; keys that are being loaded are joined.
   * @returns one settled result per key, in the order of `keys`
   */
  async getOrSetMany<T, K extends KeyLike = KeyLike>(
    keys: readonly K[],
    produceMissing: BatchProducer<T, K>,
    options?: GetOrSetOptions<T>,
  ): Promise<PromiseSettledResult<T>[]> {
    return this.#batches.getOrSetMany(keys, produceMissing, options) as Promise<
      PromiseSettledResult<T>[]
    >;
  }

  /**
   * The fresh value of the key, or undefined: never produces, never waits for a production. One round trip.
   * @param options the codec, for entries of one that is `exclusive`
   */
  async get<T>(key: KeyLike, options?: Pick<EntryOptions, 'codec'>): Promise<T | undefined> {
    const call = this.#calls.call(key, noProducer, options);
    if (this.#closed) return undefined;
    if (this.#units.current !== undefined)
      return (await this.#units.find(call))?.taker.take() as T | undefined;
    return (await this.#engine.peek(call)) as T | undefined;
  }

  /** The fresh values of the keys, in their order, undefined where there is none. One round trip for each 1,000 keys. */
  getMany<T>(keys: readonly KeyLike[]): Promise<(T | undefined)[]> {
    return this.#batches.getMany(keys, (key) => this.get<T>(key));
  }

  /**
   * Stores a value, not fenced, whatever was there; loads under way do not replace it. `undefined`, or a ttl of 0, deletes. Two round trips.
   * @throws CodecError (`CACHE_CODEC`), CacheConfigError (`CACHE_CONFIG`), and what a callback throws; the old value is then deleted
   */
  async set<T>(key: KeyLike, value: T, options?: SetOptions<T>): Promise<InvalidationResult> {
    return this.#changes.put(
      this.#calls.key(key),
      () => this.#calls.callForSet(key, options),
      value,
    );
  }

  /** Stores many values. Two round trips for each 1,000. @returns durable when all are, held when they are */
  async setMany<T>(
    entries: Iterable<readonly [KeyLike, T]>,
    options?: SetOptions<T>,
  ): Promise<InvalidationResult> {
    return this.#changes.many(assertEntries(entries), ([key, value]) =>
      this.set(key, value, options),
    );
  }

  /** After it resolves as durable, no read that starts later returns a value whose production started before. One round trip. */
  async delete(key: KeyLike): Promise<InvalidationResult> {
    return this.invalidate({ keys: [key] });
  }

  /** One round trip, one for each node of a cluster. */
  async deleteMany(keys: readonly KeyLike[]): Promise<InvalidationResult> {
    return assertArray(keys, 'deleteMany: keys').length === 0
      ? { durable: true }
      : this.invalidate({ keys });
  }

  /**
   * Invalidates keys and groups; with several kinds named, all of them. O(1) in the number of entries: one round trip for the keys, one for the groups.
   * @throws CacheConfigError (`CACHE_CONFIG`) when nothing is named; NotDurableError (`CACHE_NOT_DURABLE`) with the `strict` option
   */
  async invalidate(request: InvalidateRequest): Promise<InvalidationResult> {
    return this.#changes.invalidate(request);
  }

  /**
   * Invalidates everything in this cache, of all tenants, or everything of one tenant; memory comes back in the background. One round trip.
   * @throws CacheConfigError (`CACHE_CONFIG`) for an argument that names no tenant
   */
  async clear(request?: {
    readonly tenant?: string | number | bigint;
  }): Promise<InvalidationResult> {
    return this.#changes.clear(request);
  }

  /**
   * Carries out what the rules of this cache (`invalidations`, `@InvalidatesCache`) say about the event; resolves when it is acknowledged, so
   * that reads that start later see what the event tells of. @returns also how many requests the rules gave: 0 when none is about this event
   */
  async apply(event: object): Promise<InvalidationResult & { readonly requests: number }> {
    return this.#changes.event(event);
  }

  /** @internal Rules that are found when an application starts. */
  addRules(...rules: readonly InvalidationRule[]): void {
    this.#changes.rules.add(...rules);
  }

  /**
   * Runs a transaction: invalidations inside it, wherever they are called, wait until `task` has resolved, and are dropped when it rejects. They
   * resolve at once with `held: true`; `set` becomes a delete. Reads inside take fresh values that the unit has not made dirty; else
   * they run their producers, without storing or sharing what those see. A unit inside a unit is part of it.
   * @throws what `task` throws; with `strict`, NotDurableError (`CACHE_NOT_DURABLE`) although the transaction is committed
   */
  unitOfWork<T>(task: () => Promise<T> | T, options?: UnitOfWorkOptions): Promise<T> {
    return this.#changes.unitOfWork(task, options);
  }

  /** Runs `task`; settles when the invalidations that it, its events and their listeners have started by then are acknowledged too. */
  awaitInvalidations<T>(task: () => Promise<T> | T): Promise<T> {
    return this.#changes.waiting.run(task);
  }

  /**
   * Fills the cache beforehand, in batches over `getOrSetMany`. With `once`, one process of the whole fleet does it, at most once in `once.every`.
   * A batch that fails is counted, not thrown. `close` stops it after the batches under way.
   */
  async warmUp<T, K extends KeyLike = KeyLike>(
    keys: Iterable<K> | AsyncIterable<K>,
    produceMissing: BatchProducer<T, K>,
    options?: WarmUpOptions<T>,
  ): Promise<WarmUpResult> {
    return this.#batches.warmUp(keys, produceMissing, options);
  }

  /** What is stored under the key and how it is judged now; for people and tools, not for the path of a call. One round trip. */
  async inspect(key: KeyLike): Promise<Inspection> {
    return inspect(this.#calls.call(key, noProducer), this.#engine.tiers);
  }

  /** Counters since the start, and how much is going on now. */
  stats(): Counters & {
    readonly flights: number;
    readonly journal: number;
    readonly background: number;
  } {
    const { stats, flights, invalidator, background } = this.#engine;
    return {
      ...stats.snapshot(),
      flights: flights.size,
      journal: invalidator.pending,
      background: background.size,
    };
  }

  /** Settles when no load, write or refresh is under way. */
  drain(): Promise<void> {
    return this.#engine.drain();
  }

  /**
   * Ends the cache and what it opened; afterwards calls run their producers without caching, `get` finds nothing, and changes are not durable.
   * Settles within two seconds. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#batches.close();
    await this.#engine.close();
    this.#changes.close();
  }

  #get<T>(
    like: KeyLike,
    producer: Producer<T>,
    options: GetOrSetOptions<T> | undefined,
    base: EntryPolicy | undefined,
  ): Promise<T> {
    try {
      const policy =
        base === undefined ? this.#calls.policy(options) : this.#calls.withCodec(base, options);
      return this.#through(like, producer, options, policy);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #through<T>(
    like: KeyLike,
    producer: Producer<T>,
    options: GetOrSetOptions<T> | undefined,
    policy: EntryPolicy,
  ): Promise<T> {
    const engine = this.#engine;
    const key = this.#calls.key(like);
    if (this.#units.current !== undefined && !this.#closed) {
      return this.#units.read(this.#calls.make(key, like, producer, options, policy)) as Promise<T>;
    }
    const found = this.#nearHit(key, policy);
    if (found !== undefined) return Promise.resolve(engine.tiers.valueOf(found) as T);
    const call = this.#calls.make(key, like, producer, options, policy);
    if (this.#closed) return engine.bypass(call) as Promise<T>;
    return this.#boarding.run(call) as Promise<T>;
  }

  /** The way of nearly every hit. */
  #nearHit(key: CacheKey, policy: EntryPolicy): MemoryEntry | undefined {
    if (this.#closed || policy.refreshAhead !== false) return undefined;
    const name = storageKey(key);
    const found = this.#engine.tiers.nearHit(name);
    // Only a name that was shortened can be another key's.
    if (found === undefined || (name !== key.text && found.entry.key !== key.text))
      return undefined;
    if (
      found.entry.codec !== policy.codec.id &&
      !this.#engine.tiers.fits(found.entry, policy.codec)
    )
      return undefined;
    this.#engine.hitNear(name);
    return found;
  }
}
