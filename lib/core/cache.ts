import type { AsyncContext } from '../ports/context.js';
import type { Clock } from '../ports/clock.js';
import type { Engine } from './compose.js';
import { Invalidations } from './invalidate/invalidations.js';
import { PutCalls } from './invalidate/put-calls.js';
import { type UnitOfWorkOptions, UnitOfWorkRegistry } from './invalidate/unit-of-work.js';
import type { CacheKeyBuilder } from './key/key.js';
import type { CacheEvents } from './observe/events.js';
import type { CacheStats } from './observe/stats.js';
import type { EntryPolicy } from './options/options.js';
import { CallResolver, noProducer } from './options/resolve-call.js';
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
import { assertArray, assertEntries, warmUpCallOptions } from './options/validate-call.js';
import { BatchReads } from './read/batch.js';
import type { GetOrSetResult } from './read/get-or-set-result.js';
import { type Inspection, inspect } from './read/inspect.js';
import { mapInChunks } from './read/map-in-chunks.js';
import { WarmUp } from './read/warm-up.js';
import { Reads } from './reads.js';

/**
 * A cache: what `createCache()` returns and Nest injects. Keys are built keys or plain strings.
 *
 * Costs: a hit in memory or L1 needs no round trip, a hit in the shared backend one, a miss two
 * before its production, and one after it that no caller waits for.
 */
export class CacheService {
  readonly #engine: Engine;
  readonly #calls: CallResolver;
  readonly #reads: Reads;
  readonly #batches: BatchReads;
  readonly #warmUp: WarmUp;
  readonly #invalidations: Invalidations;
  /** @internal */ readonly puts: PutCalls;
  #isClosed = false;

  /** @internal Use `createCache()` or `CacheModule`. */
  constructor(engine: Engine, newContext: () => AsyncContext, rules: readonly InvalidationRule[]) {
    const { settings, codecs, clock, context, readThrough, flights, loads, reporter } = engine;
    const { sets, puts, produceUncached } = engine;
    this.#engine = engine;
    const calls = (this.#calls = new CallResolver(settings, codecs, clock));
    const units = new UnitOfWorkRegistry(newContext(), readThrough, reporter, produceUncached);
    const apply = engine.apply.bind(engine);
    const parts = { settings, units, sets, puts, apply };
    this.#invalidations = new Invalidations(parts, newContext(), rules);
    this.puts = new PutCalls(calls, this.#invalidations);
    const reads = (this.#reads = new Reads(engine, calls, units));
    const { backendTimeout } = settings;
    const getOrSet = reads.handleOf.bind(reads);
    this.#batches = new BatchReads({ calls, context, clock, backendTimeout, getOrSet });
    const isClosed = (): boolean => this.#isClosed;
    this.#warmUp = new WarmUp({ calls, readThrough, flights, loads, isClosed });
  }

  get name(): string {
    return this.#engine.settings.name;
  }

  get events(): CacheEvents {
    return this.#engine.reporter.events;
  }

  /** True when the cache has a tenant resolver. */
  get hasTenantResolver(): boolean {
    return this.#engine.settings.hasTenantResolver;
  }

  get tenancy(): Tenancy {
    return this.#engine.settings.tenancy;
  }

  /** The options of entries whose call gives no others; durations in milliseconds. */
  get defaults(): EntryPolicy {
    return this.#engine.settings.policy;
  }

  get clock(): Clock {
    return this.#engine.clock;
  }

  /** A key builder that has the tenant of the resolver, if any. */
  key(): CacheKeyBuilder {
    return this.#calls.builder();
  }

  /**
   * The value of the key. When there is no fresh one it is produced, once for all callers. An error
   * of the producer reaches every caller unchanged and is not stored; `undefined` is returned and
   * not stored; `null` is stored. Never fails because the backend does.
   * @throws CacheKeyError (`CACHE_KEY`), CacheConfigError (`CACHE_CONFIG`), ProducerTimeoutError
   * (`CACHE_PRODUCER_TIMEOUT`), ReentrantProducerError (`CACHE_REENTRANT`), and what the producer
   * throws
   */
  getOrSet<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#reads.getOrSet(key, producer, options, undefined);
  }

  /** As `getOrSet`, stored as JSON: readable in the backend. */
  getOrSetJson<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#reads.getOrSet(key, producer, options, this.#calls.json);
  }

  /** As `getOrSet`, stored as CBOR (RFC 8949): smaller, for binary payloads. */
  getOrSetCbor<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#reads.getOrSet(key, producer, options, this.#calls.cbor);
  }

  /** As `getOrSet`; also tells how the call was answered. */
  getOrSetDetailed<T>(
    key: KeyLike,
    producer: Producer<T>,
    options?: GetOrSetOptions<T>,
  ): Promise<GetOrSetResult<T>> {
    return this.#reads.getOrSetDetailed(key, producer, options);
  }

  /** @internal A fresh value that is in memory, synchronously. */
  peekMemory<T>(key: KeyLike, options?: GetOrSetOptions<T>): GetOrSetResult<T> | undefined {
    return this.#reads.peekMemory(key, options);
  }

  /**
   * Many keys at once. One call of `produceMissing` produces what is missing: it gets the missing
   * keys and returns their values in that order; an `Error` instead of a value fails that key only.
   * Lookups travel together, 1,000 in a round trip; keys that are being loaded are joined.
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
   * The fresh value of the key, or undefined. Never produces or waits for a production. One round
   * trip.
   * @param options the codec, for entries of a codec that is `exclusive`
   */
  async get<T>(key: KeyLike, options?: Pick<EntryOptions, 'codec'>): Promise<T | undefined> {
    return this.#reads.get(key, options) as Promise<T | undefined>;
  }

  /** The fresh values in the order of the keys, else undefined. One round trip per 1,000 keys. */
  async getMany<T>(keys: readonly KeyLike[]): Promise<(T | undefined)[]> {
    return mapInChunks(assertArray(keys, 'getMany: keys'), (key) => this.get<T>(key));
  }

  /**
   * Stores a value whatever is there; loads under way do not replace it. `undefined`, or a ttl of
   * 0, deletes. Two round trips.
   * @throws CodecError (`CACHE_CODEC`), CacheConfigError (`CACHE_CONFIG`), and what a callback
   * throws; the old value is deleted then
   */
  async set<T>(key: KeyLike, value: T, options?: SetOptions<T>): Promise<InvalidationResult> {
    const describe = () => this.#calls.callForSet(key, options);
    return this.#invalidations.set(this.#calls.key(key), describe, value);
  }

  /** Two round trips per 1,000. @returns durable when all of them are */
  async setMany<T>(
    entries: Iterable<readonly [KeyLike, T]>,
    options?: SetOptions<T>,
  ): Promise<InvalidationResult> {
    const pairs = assertEntries(entries);
    return this.#invalidations.all(pairs, ([key, value]) => this.set(key, value, options));
  }

  /**
   * Once durable, no read that starts later returns a value whose production started before. One
   * round trip.
   */
  async delete(key: KeyLike): Promise<InvalidationResult> {
    return this.invalidate({ keys: [key] });
  }

  /** As `delete`. One round trip, one for each node of a cluster. */
  async deleteMany(keys: readonly KeyLike[]): Promise<InvalidationResult> {
    if (assertArray(keys, 'deleteMany: keys').length === 0) return { durable: true };
    return this.invalidate({ keys });
  }

  /**
   * Invalidates keys and groups. O(1) in the number of entries: one round trip for the keys and one
   * for the groups.
   * @throws CacheConfigError (`CACHE_CONFIG`) when nothing is named; with `strict`, NotDurableError
   * (`CACHE_NOT_DURABLE`)
   */
  async invalidate(request: InvalidateRequest): Promise<InvalidationResult> {
    return this.#invalidations.invalidate(request);
  }

  /**
   * Invalidates everything in this cache, or everything of one tenant; memory is given back in the
   * background. One round trip.
   * @throws CacheConfigError (`CACHE_CONFIG`) for an argument that names no tenant
   */
  async clear(request?: Pick<InvalidateRequest, 'tenant'>): Promise<InvalidationResult> {
    return this.#invalidations.clear(request);
  }

  /**
   * Carries out what the rules of this cache (`invalidations`, `@InvalidatesCache`) say about the
   * event. When it resolves as durable, reads that start later see what the event tells of.
   * @returns also how many requests the rules made; 0 when no rule is for this event
   */
  async apply(event: object): Promise<InvalidationResult & { readonly requests: number }> {
    return this.#invalidations.applyEvent(event);
  }

  /** @internal */
  addRules(...rules: readonly InvalidationRule[]): void {
    this.#invalidations.rules.add(...rules);
  }

  /**
   * Runs a transaction. Invalidations inside it, wherever they are called, wait until `task` has
   * resolved, and are dropped when it rejects; they resolve at once with `held: true`, and `set`
   * becomes a delete. Reads inside take fresh values that the unit has not made dirty; otherwise
   * they run their producers, without storing or sharing the result. A unit inside a unit is part
   * of it.
   * @throws what `task` throws; with `strict`, NotDurableError (`CACHE_NOT_DURABLE`) although the
   * transaction is committed
   */
  unitOfWork<T>(task: () => Promise<T> | T, options?: UnitOfWorkOptions): Promise<T> {
    return this.#invalidations.unitOfWork(task, options);
  }

  /**
   * Runs `task`. Settles when the invalidations that it and its listeners start are acknowledged.
   */
  awaitInvalidations<T>(task: () => Promise<T> | T): Promise<T> {
    return this.#invalidations.tracker.run(task);
  }

  /**
   * Fills the cache in advance, in batches of `getOrSetMany`. With `once`, one process of the fleet
   * does it, at most once in `once.every`. Failed batches are counted. `close` stops it.
   */
  async warmUp<T, K extends KeyLike = KeyLike>(
    keys: Iterable<K> | AsyncIterable<K>,
    produceMissing: BatchProducer<T, K>,
    options?: WarmUpOptions<T>,
  ): Promise<WarmUpResult> {
    const callOptions = warmUpCallOptions(keys, produceMissing, options);
    const fill = (batch: readonly K[]) => this.getOrSetMany(batch, produceMissing, callOptions);
    return this.#warmUp.run(keys, fill, options ?? {});
  }

  /** What is stored under the key, for people and tools. One round trip. */
  async inspect(key: KeyLike): Promise<Inspection> {
    const { tiers, flights } = this.#engine;
    return inspect(this.#calls.call(key, noProducer), tiers, flights);
  }

  /** Counters since the start, and what is going on now. */
  stats(): CacheStats {
    const { reporter, flights, invalidator, background, loads } = this.#engine;
    return {
      ...reporter.stats.snapshot(),
      flights: flights.ownedBy(loads).length,
      journal: invalidator.pending,
      background: background.size,
    };
  }

  /** Settles when no load, write or refresh is under way. */
  drain(): Promise<void> {
    return this.#engine.drain();
  }

  /**
   * Ends the cache and what it opened, within two seconds. Afterwards calls run their producers
   * without caching, `get` finds nothing, and changes are not durable.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reads.close();
    await this.#engine.close();
    this.#invalidations.close();
  }
}
