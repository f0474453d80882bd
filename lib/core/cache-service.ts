import type { Codec } from '../ports/codec.js';
import type { Clock } from '../ports/clock.js';
import { CacheConfigError, CodecError, NotDurableError } from '../ports/errors.js';
import { type AnyProducer, type Call, type CallOptions, makeCall } from './call.js';
import type { CacheEvents } from './events.js';
import type { Answer } from './get-or-set.js';
import { toChanges } from './invalidation-request.js';
import type { Change } from './journal.js';
import { CacheKey, type CacheKeyBuilder, keyOf, storageKey } from './key.js';
import { type Policy, resolvePolicy } from './options.js';
import type { Engine } from './engine.js';
import type { Counters } from './stats.js';
import type { EntryOptions, GetOrSetOptions, InvalidateRequest, InvalidationResult, KeyLike, Producer, SetOptions } from './types.js';

/** What came of a call, with its value. */
export interface DetailedAnswer<T> {
  readonly value: T;
  readonly outcome: Answer['outcome'] | 'bypass';
  /** Milliseconds since the epoch; undefined when nothing is stored. */
  readonly createdAt: number | undefined;
  readonly freshUntil: number | undefined;
  readonly tags: readonly string[];
}

/**
 * A cache: what `createCache()` returns and what Nest injects. All methods take a built key or a plain string.
 *
 * Costs: an L1 or memory hit no round trip, an L2 hit one, a miss two before its production and one after it that nobody waits for.
 */
export class CacheService {
  readonly #engine: Engine;
  readonly #codecs: ReadonlyMap<string, Codec>;
  readonly #policies = new WeakMap<object, Policy>();
  readonly #json: Policy;
  readonly #cbor: Policy;
  #boarding = new Map<string, Promise<Answer>>();
  #closed = false;

  /** @internal Use `createCache()` or `CacheModule`. */
  constructor(engine: Engine) {
    this.#engine = engine;
    this.#codecs = engine.tiers.codecs;
    const { policy } = engine.settings;
    this.#json = resolvePolicy({ codec: 'json' }, policy, this.#codecs);
    this.#cbor = resolvePolicy({ codec: 'cbor' }, policy, this.#codecs);
  }

  get name(): string {
    return this.#engine.settings.name;
  }

  /** Invalid until a listener is added: `events.on(listener)`. */
  get events(): CacheEvents {
    return this.#engine.events;
  }

  get clock(): Clock {
    return this.#engine.tiers.clock;
  }

  /** A key builder that already has the tenant the resolver gives, when it gives one. */
  key(): CacheKeyBuilder {
    const tenant = this.#engine.settings.tenant();
    return tenant === undefined ? CacheKey.builder() : CacheKey.builder().tenant(tenant);
  }

  /**
   * The value of the key; produced once, however many callers, when there is no fresh one. A producer's error reaches every caller unchanged and
   * is not stored; `undefined` is returned and not stored; `null` is stored.
   * @throws CacheKeyError (`CACHE_KEY`), CacheConfigError (`CACHE_CONFIG`), ProducerTimeoutError (`CACHE_PRODUCER_TIMEOUT`),
   * ReentrantProducerError (`CACHE_REENTRANT`), and what the producer throws; never because the backend failed
   */
  getOrSet<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    try {
      const { settings } = this.#engine;
      return this.#get(key, producer, options, options === undefined ? settings.policy : this.#policy(options, settings.policy));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As `getOrSet`, stored as JSON: readable in the backend. */
  getOrSetJson<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#getAs(this.#json, key, producer, options);
  }

  /** As `getOrSet`, stored as CBOR (RFC 8949): smaller, for binary payloads. */
  getOrSetCbor<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<T> {
    return this.#getAs(this.#cbor, key, producer, options);
  }

  /** As `getOrSet`, and says what came of the call. */
  async getOrSetDetailed<T>(key: KeyLike, producer: Producer<T>, options?: GetOrSetOptions<T>): Promise<DetailedAnswer<T>> {
    const { settings } = this.#engine;
    const policy = options === undefined ? settings.policy : this.#policy(options, settings.policy);
    const call = this.#call(key, producer, options, policy);
    if (this.#closed) {
      const value = (await this.#engine.bypass(call)) as T;
      return { value, outcome: 'bypass', createdAt: undefined, freshUntil: undefined, tags: [] };
    }
    const answer = await this.#engine.count(call, this.#engine.readThrough.run(call));
    const { entry, outcome } = answer;
    return {
      value: answer.taker.take() as T,
      outcome,
      createdAt: entry?.createdAt,
      freshUntil: entry?.freshUntil,
      tags: entry?.tags ?? [],
    };
  }

  /** The fresh value of the key, or undefined: never produces, never waits for a production. */
  async get<T>(key: KeyLike): Promise<T | undefined> {
    const call = this.#call(key, nothing, undefined, this.#engine.settings.policy);
    return this.#closed ? undefined : ((await this.#engine.peek(call)) as T | undefined);
  }

  /**
   * Stores a value, whatever was there; loads under way do not replace it. `undefined`, or a ttl of 0, deletes.
   * @throws CodecError (`CACHE_CODEC`) when no codec can keep the value faithfully; the old value is then deleted
   */
  async set<T>(key: KeyLike, value: T, options?: SetOptions<T>): Promise<InvalidationResult> {
    const { settings } = this.#engine;
    const policy = options === undefined ? settings.policy : this.#policy(options, settings.policy);
    const call = this.#call(key, nothing, options, policy);
    try {
      return this.#result(await this.#engine.put(call, value));
    } catch (error) {
      if (error instanceof CodecError) await this.delete(key);
      throw error;
    }
  }

  /** After it resolves as durable, no read that starts later returns a value whose production started before. One round trip. */
  async delete(key: KeyLike): Promise<InvalidationResult> {
    return this.invalidate({ keys: [key] });
  }

  /**
   * Invalidates keys and groups; with several kinds named, all of them. O(1) in the number of entries: one round trip for the keys, one for the groups.
   * @throws CacheConfigError (`CACHE_CONFIG`) when nothing is named; NotDurableError (`CACHE_NOT_DURABLE`) with the `strict` option
   */
  async invalidate(request: InvalidateRequest): Promise<InvalidationResult> {
    return this.#apply(toChanges(request, this.#engine.settings));
  }

  /** Invalidates everything in this cache, or everything of one tenant; memory comes back in the background. One round trip. */
  async clear(request?: { readonly tenant?: string | number | bigint }): Promise<InvalidationResult> {
    return this.#result(await this.#engine.clear(request?.tenant));
  }

  /** Counters since the start, and how much is going on now. */
  stats(): Counters & { readonly flights: number; readonly journal: number; readonly background: number } {
    const { stats, flights, invalidator, background } = this.#engine;
    return { ...stats.snapshot(), flights: flights.size, journal: invalidator.pending, background: background.size };
  }

  /** Settles when no load, write or refresh is under way. */
  async drain(): Promise<void> {
    await this.#engine.drain();
  }

  /** Ends the cache and what it opened; afterwards calls run their producers without caching. Settles within two seconds. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#engine.close();
  }

  #getAs<T>(base: Policy, key: KeyLike, producer: Producer<T>, options: GetOrSetOptions<T> | undefined): Promise<T> {
    try {
      return this.#get(key, producer, options, options === undefined ? base : { ...this.#policy(options, base), codec: base.codec });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #get<T>(like: KeyLike, producer: Producer<T>, options: GetOrSetOptions<T> | undefined, policy: Policy): Promise<T> {
    const engine = this.#engine;
    const key = this.#key(like);
    const name = storageKey(key);
    if (!this.#closed && policy.refreshAhead === false) {
      const found = engine.tiers.nearHit(name);
      if (found?.entry.key === key.text) {
        engine.hitNear(name);
        return Promise.resolve(engine.tiers.valueOf(found) as T);
      }
    }
    const call = this.#makeCall(key, like, producer, options, policy);
    if (this.#closed) return engine.bypass(call) as Promise<T>;
    // Callers of one key in one tick share one look: nothing has been sent yet, so it starts after all of them.
    const boarded = call.signal === undefined ? this.#boarding.get(name) : undefined;
    if (boarded !== undefined) {
      engine.joinedBoarding(name);
      return boarded.then(valueOf) as Promise<T>;
    }
    if (this.#boarding.size === 0) {
      // Before the backend's own microtask that sends the batch.
      queueMicrotask(() => {
        this.#boarding = new Map();
      });
    }
    const answer = engine.count(call, engine.readThrough.run(call));
    if (call.signal === undefined) this.#boarding.set(name, answer);
    return answer.then(valueOf) as Promise<T>;
  }

  #call(like: KeyLike, producer: AnyProducer, options: CallOptions | undefined, policy: Policy): Call {
    return this.#makeCall(this.#key(like), like, producer, options, policy);
  }

  #makeCall(key: CacheKey, like: KeyLike, producer: AnyProducer, options: CallOptions | undefined, policy: Policy): Call {
    const { settings, tiers } = this.#engine;
    return makeCall(key, typeof like === 'string', producer, options, policy, tiers.clock.now() + settings.backendTimeout);
  }

  #key(like: KeyLike): CacheKey {
    const { settings } = this.#engine;
    const key = keyOf(like, settings.tenant());
    if (key.tenant === undefined && settings.tenancy === 'required') throw new CacheConfigError(NO_TENANT);
    return key;
  }

  #policy(options: EntryOptions<never>, base: Policy): Policy {
    if (base !== this.#engine.settings.policy) return resolvePolicy(options, base, this.#codecs);
    let policy = this.#policies.get(options);
    if (policy === undefined) {
      policy = resolvePolicy(options, base, this.#codecs);
      this.#policies.set(options, policy);
    }
    return policy;
  }

  async #apply(changes: readonly Change[]): Promise<InvalidationResult> {
    return this.#result(await this.#engine.apply(changes));
  }

  #result(durable: boolean): InvalidationResult {
    if (!durable && this.#engine.settings.strict) {
      throw new NotDurableError(
        'The change took effect in this process, but the backend could not be reached. It is kept and repeated when the backend is back; repeat it yourself only if this process ends before.',
      );
    }
    return { durable };
  }
}

const NO_TENANT =
  "This cache has tenancy: 'required', and the key has no tenant. Give the key one (CacheKey.builder().tenant(...)), or give the cache a tenant resolver (option tenant).";

function nothing(): Promise<undefined> {
  return Promise.resolve(undefined);
}

function valueOf(answer: Answer): unknown {
  return answer.taker.take();
}
