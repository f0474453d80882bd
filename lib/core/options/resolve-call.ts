import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import { CacheConfigError } from '../../ports/errors.js';
import { type AnyProducer, type Call, type CallOptions, makeCall } from './call.js';
import { CacheKey, type CacheKeyBuilder, toCacheKey, type KeyPart } from '../key/key.js';
import { assertSetOptions } from './validate-call.js';
import { type EntryPolicy, resolvePolicy, type Settings } from './options.js';
import type { EntryOptions, KeyLike, Producer, ProducerContext, SetOptions } from './types.js';

/**
 * Marks the part of a call's options that is the same object in every call, and is resolved once.
 */
export const STATIC_OPTIONS = Symbol('static options');

/**
 * Marks a tenant resolver that can be overridden during a background refresh, so that nested cached
 * calls belong to the tenant of the entry being refreshed.
 */
export const TENANT_SCOPE = Symbol('tenant scope');

export interface TenantScope {
  readonly [TENANT_SCOPE]?: {
    run<T>(context: Background, production: () => Promise<T>): Promise<T>;
  };
}

type Background = Pick<ProducerContext, 'background' | 'tenant'>;

const MAX_PLAIN_KEYS = 2_000;
const MAX_PLAIN_KEY_LENGTH = 200;

/** Makes calls of keys and options as users give them. The same options object is resolved once. */
export class CallResolver {
  readonly json: EntryPolicy;
  readonly cbor: EntryPolicy;
  readonly #tenantScope: TenantScope[typeof TENANT_SCOPE];
  readonly #policies = new WeakMap<object, EntryPolicy>();
  /**
   * Of plain strings without a tenant: building a key costs more than the rest of a hit in memory.
   */
  readonly #plainKeys = new Map<string, CacheKey>();
  #lastBuilt: CacheKey | undefined;

  constructor(
    readonly settings: Settings,
    readonly codecs: Map<string, Codec>,
    readonly clock: Clock,
  ) {
    this.#tenantScope = (settings.tenant as TenantScope)[TENANT_SCOPE];
    this.json = resolvePolicy({ codec: 'json' }, settings.policy, codecs);
    this.cbor = resolvePolicy({ codec: 'cbor' }, settings.policy, codecs);
  }

  /** A builder that has the tenant of the resolver, if any. */
  builder(): CacheKeyBuilder {
    const tenant = this.settings.tenant();
    return tenant === undefined ? CacheKey.builder() : CacheKey.builder().tenant(tenant);
  }

  /** @throws CacheKeyError; CacheConfigError when a tenant is required and there is none */
  key(keyOrString: KeyLike): CacheKey {
    const tenant = this.settings.tenant();
    if (typeof keyOrString !== 'string' || tenant !== undefined)
      return this.#buildKey(keyOrString, tenant);
    const known = this.#plainKeys.get(keyOrString);
    if (known !== undefined) return known;
    return (this.#lastBuilt = this.#buildKey(keyOrString, undefined));
  }

  /** Keeps the key of a plain string that was found in memory: it may well be asked for again. */
  remember(keyOrString: KeyLike, key: CacheKey): void {
    if (key !== this.#lastBuilt || typeof keyOrString !== 'string') return;
    if (keyOrString.length > MAX_PLAIN_KEY_LENGTH) return;
    if (this.#plainKeys.size >= MAX_PLAIN_KEYS) this.#plainKeys.clear();
    this.#plainKeys.set(keyOrString, key);
  }

  /** Entries name their codec by its id, so it must be known when they are read. */
  #register(codec: Codec): void {
    const { codecs } = this;
    const known = codecs.get(codec.id);
    if (known === undefined) codecs.set(codec.id, codec);
    else if (known !== codec) {
      throw new CacheConfigError(
        `Two different codecs have the id ${JSON.stringify(codec.id)}. ` +
          'Give each format an id of its own, and use one object for it.',
      );
    }
  }

  #buildKey(keyOrString: KeyLike, tenant: KeyPart | undefined): CacheKey {
    const key = toCacheKey(keyOrString, tenant);
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
      policy = resolvePolicy(shared, this.settings.policy, this.codecs);
      this.#register(policy.codec);
      this.#policies.set(shared, policy);
    }
    return policy;
  }

  /** The policy of `options` with the codec of `base`. */
  withCodec(base: EntryPolicy, options: EntryOptions<never> | undefined): EntryPolicy {
    return options === undefined ? base : { ...this.policy(options), codec: base.codec };
  }

  call(
    keyOrString: KeyLike,
    producer: AnyProducer,
    options?: CallOptions & EntryOptions<never>,
  ): Call {
    return this.make(this.key(keyOrString), keyOrString, producer, options, this.policy(options));
  }

  /** The call that stores a value. @throws CacheConfigError (`CACHE_CONFIG`) */
  callForSet<T>(keyOrString: KeyLike, options: SetOptions<T> | undefined): Call {
    assertSetOptions(options);
    return this.call(keyOrString, noProducer, options);
  }

  make(
    key: CacheKey,
    keyOrString: KeyLike,
    producer: AnyProducer,
    options: CallOptions | undefined,
    policy: EntryPolicy,
  ): Call {
    const backendBy = this.clock.now() + this.settings.backendTimeout;
    const run = producer as Producer<unknown>;
    const made: Producer<unknown> =
      this.#tenantScope === undefined
        ? run
        : (context) =>
            context.background ? this.runAsTenant(context, async () => run(context)) : run(context);
    return makeCall(key, typeof keyOrString === 'string', made, options, policy, backendBy);
  }

  /** In the background, nested cached calls of `production` belong to the tenant of `context`. */
  runAsTenant<T>(context: Background, production: () => Promise<T>): Promise<T> {
    return this.#tenantScope === undefined
      ? production()
      : this.#tenantScope.run(context, production);
  }
}

/** For calls that load nothing. */
export const noProducer = (): Promise<undefined> => Promise.resolve(undefined);

const NO_TENANT =
  "This cache has tenancy: 'required', and the key has no tenant. " +
  'Give the key one (CacheKey.builder().tenant(...)), ' +
  'or give the cache a tenant resolver (option tenant).';
