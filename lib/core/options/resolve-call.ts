import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import { CacheConfigError } from '../../ports/errors.js';
import { type AnyProducer, type Call, type CallOptions, makeCall } from './call.js';
import { CacheKey, type CacheKeyBuilder, toCacheKey, type KeyPart } from '../key/key.js';
import { assertCallOptions, assertSetOptions } from './validate-call.js';
import { type EntryPolicy, resolvePolicy, type Settings } from './options.js';
import type { EntryOptions, KeyLike, Producer, ProducerContext, SetOptions } from './types.js';

/** Under this the options of a call may hold a part that is the same object from call to call: it is resolved once. */
export const STATIC_OPTIONS = Symbol('shared options');

/** Under this a tenant resolver may hold what a refresh runs within, so that the resolver gives the tenant of the refresh there. */
export const TENANT_SCOPE = Symbol('refreshes within');

export interface TenantScope {
  readonly [TENANT_SCOPE]?: {
    run<T>(context: Background, production: () => Promise<T>): Promise<T>;
  };
}

type Background = Pick<ProducerContext, 'background' | 'tenant'>;

const PLAIN_KEYS_KEPT = 2_000;
const LONGEST_KEPT = 200;

/** Turns what a user gives (keys, options) into calls. Options that are given as the same object again are resolved once. */
export class CallResolver {
  readonly json: EntryPolicy;
  readonly cbor: EntryPolicy;
  readonly #refreshes: TenantScope[typeof TENANT_SCOPE];
  readonly #policies = new WeakMap<object, EntryPolicy>();
  /** Keys made from plain strings without a tenant: making one takes longer than the rest of a hit in memory. */
  readonly #plain = new Map<string, CacheKey>();

  constructor(
    readonly settings: Settings,
    readonly codecs: Map<string, Codec>,
    readonly clock: Clock,
  ) {
    this.#refreshes = (settings.tenant as TenantScope)[TENANT_SCOPE];
    this.json = resolvePolicy({ codec: 'json' }, settings.policy, codecs);
    this.cbor = resolvePolicy({ codec: 'cbor' }, settings.policy, codecs);
  }

  /** A builder that already has the tenant of the resolver, when it gives one. */
  builder(): CacheKeyBuilder {
    const tenant = this.settings.tenant();
    return tenant === undefined ? CacheKey.builder() : CacheKey.builder().tenant(tenant);
  }

  /** @throws CacheKeyError; CacheConfigError when a tenant is required and there is none */
  key(like: KeyLike): CacheKey {
    const tenant = this.settings.tenant();
    if (typeof like !== 'string' || tenant !== undefined) return this.#made(like, tenant);
    const known = this.#plain.get(like);
    if (known !== undefined) return known;
    const key = this.#made(like, undefined);
    if (like.length <= LONGEST_KEPT) {
      if (this.#plain.size >= PLAIN_KEYS_KEPT) this.#plain.clear();
      this.#plain.set(like, key);
    }
    return key;
  }

  /** Entries name their codec by its id, so it must be known when they are read. */
  #register(codec: Codec): void {
    const { codecs } = this;
    const known = codecs.get(codec.id);
    if (known === undefined) codecs.set(codec.id, codec);
    else if (known !== codec) {
      throw new CacheConfigError(
        `Two different codecs have the id ${JSON.stringify(codec.id)}. Give each format an id of its own, and use one object for it.`,
      );
    }
  }

  #made(like: KeyLike, tenant: KeyPart | undefined): CacheKey {
    const key = toCacheKey(like, tenant);
    if (key.tenant === undefined && this.settings.tenancy === 'required')
      throw new CacheConfigError(NO_TENANT);
    return key;
  }

  /** @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work */
  policy(options: EntryOptions<never> | undefined): EntryPolicy {
    if (options === undefined) return this.settings.policy;
    const shared =
      (options as { readonly [STATIC_OPTIONS]?: EntryOptions<never> } | null)?.[STATIC_OPTIONS] ??
      options;
    let policy = this.#policies.get(shared);
    if (policy === undefined) {
      assertCallOptions(shared);
      policy = resolvePolicy(shared, this.settings.policy, this.codecs);
      this.#register(policy.codec);
      this.#policies.set(shared, policy);
    }
    return policy;
  }

  /** The policy of `options` with another codec. */
  policyOf(base: EntryPolicy, options: EntryOptions<never> | undefined): EntryPolicy {
    return options === undefined ? base : { ...this.policy(options), codec: base.codec };
  }

  call(like: KeyLike, producer: AnyProducer, options?: CallOptions & EntryOptions<never>): Call {
    return this.make(this.key(like), like, producer, options, this.policy(options));
  }

  /** The call that stores a value. @throws CacheConfigError (`CACHE_CONFIG`) */
  storing<T>(like: KeyLike, options: SetOptions<T> | undefined): Call {
    assertSetOptions(options);
    return this.call(like, noProducer, options);
  }

  make(
    key: CacheKey,
    like: KeyLike,
    producer: AnyProducer,
    options: CallOptions | undefined,
    policy: EntryPolicy,
  ): Call {
    const backendBy = this.clock.now() + this.settings.backendTimeout;
    const run = producer as Producer<unknown>;
    const made: Producer<unknown> =
      this.#refreshes === undefined
        ? run
        : (context) =>
            context.background ? this.within(context, async () => run(context)) : run(context);
    return makeCall(key, typeof like === 'string', made, options, policy, backendBy);
  }

  /** Runs a production; what it asks for in the background is of the tenant that is refreshed. */
  within<T>(context: Background, production: () => Promise<T>): Promise<T> {
    return this.#refreshes === undefined ? production() : this.#refreshes.run(context, production);
  }
}

/** The producer of calls that produce nothing. */
export const noProducer = (): Promise<undefined> => Promise.resolve(undefined);

const NO_TENANT =
  "This cache has tenancy: 'required', and the key has no tenant. Give the key one (CacheKey.builder().tenant(...)), or give the cache a tenant resolver (option tenant).";
