import { type Codec, INTERNAL } from '../../ports/codec.js';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import {
  assertObject,
  type Checked,
  formatValue,
  parseOptions,
  wrongOption,
} from '../../ports/validate.js';
import { encodePart } from '../key/percent-encoding.js';
import { CACHE_CHECKS, CALL_CHECKS, callExample, ENTRY_CHECKS, expectedCodec } from './checks.js';
import type { CacheOptions, CodecChoice, EntryOptions, RefreshAhead, Tenancy } from './types.js';

/** How entries are made and used: all options resolved. Durations are in milliseconds. */
export interface EntryPolicy {
  readonly ttl: number | ((value: unknown) => Duration);
  readonly nullTtl: number | undefined;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly staleIfErrorWhen: (error: unknown) => boolean;
  readonly jitter: number;
  readonly refreshAhead: RefreshAhead;
  readonly softTimeout: number;
  readonly hardTimeout: number;
  readonly codec: Codec;
}

export interface Settings {
  readonly name: string;
  readonly namespace: string;
  readonly tenancy: Tenancy;
  readonly tenant: () => string | number | bigint | undefined;
  readonly hasTenantResolver: boolean;
  readonly replicaLag: number;
  readonly strict: boolean;
  readonly leaseTtl: number;
  readonly leaseWait: number;
  readonly backendTimeout: number;
  readonly maxValueBytes: number;
  readonly exposeKeys: boolean;
  readonly policy: EntryPolicy;
}

/** The default ttl of an entry, in milliseconds. */
export const DEFAULT_TTL = 30_000;
/** The longest ttl of null when no `nullTtl` is given, in milliseconds. */
export const NULL_TTL_CAP = 30_000;

export const ENTRY_OPTIONS = Object.freeze(
  Object.keys(ENTRY_CHECKS) as (keyof typeof ENTRY_CHECKS)[],
);

/** Stored entries name their codec by these ids, so no other codec may have them. */
const RESERVED_CODEC_IDS: ReadonlySet<string> = new Set(['json', 'cbor', 'http']);

/**
 * Merges the options of a cache with the defaults, once, at start.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the option, what was expected and what was given
 */
export function resolveSettings(
  options: CacheOptions,
  codecs: ReadonlyMap<string, Codec>,
): Settings {
  assertCacheOptions(options, 'Cache options');
  const given = parseOptions(options, CACHE_CHECKS, CACHE);
  const { name = 'default' } = given;
  return Object.freeze({
    name,
    namespace: encodePart(given.namespace ?? defaultNamespace(name), 'namespace'),
    tenancy: given.tenancy ?? 'optional',
    tenant: given.tenant ?? noTenant,
    hasTenantResolver: given.tenant !== undefined,
    replicaLag: given.replicaLag ?? 0,
    strict: given.strict ?? false,
    leaseTtl: given.lease?.ttl ?? 3_000,
    leaseWait: given.lease?.wait ?? 10_000,
    backendTimeout: given.backendTimeout ?? 250,
    maxValueBytes: given.maxValueBytes ?? 8 * 1024 * 1024,
    exposeKeys: given.exposeKeys ?? false,
    policy: mergePolicy(given, defaultPolicy(codecs), codecs),
  });
}

/** Each cache has one of its own: two caches on one Redis share nothing by default. */
function defaultNamespace(name: string): string {
  return name === 'default' ? 'cache' : `cache-${name}`;
}

const CACHE = { what: 'Cache options', owner: 'a cache', example: '{ backend }' };

/**
 * A backend given directly has no options that would be read, so every default would hold,
 * including the backend in memory.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function assertCacheOptions(given: unknown, what: string): asserts given is object {
  assertObject(given, what, CACHE.example);
  if ('get' in given && 'set' in given)
    throw new CacheConfigError(
      `${what} must be an object such as { backend }; got a backend itself. ` +
        'Give it as an option: { backend }.',
    );
}

function defaultPolicy(codecs: ReadonlyMap<string, Codec>): EntryPolicy {
  return {
    ttl: DEFAULT_TTL,
    nullTtl: undefined,
    staleWhileRevalidate: 0,
    staleIfError: 0,
    staleIfErrorWhen: isTransient,
    jitter: 0.1,
    refreshAhead: false,
    softTimeout: 0,
    hardTimeout: 30_000,
    codec: resolveCodec('json', codecs),
  };
}

/**
 * The policy of a call: its options over those of the cache.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function resolvePolicy(
  options: EntryOptions<never>,
  base: EntryPolicy,
  codecs: ReadonlyMap<string, Codec>,
): EntryPolicy {
  return mergePolicy(parseOptions(options, CALL_CHECKS, CALL), base, codecs);
}

const CALL = { what: 'options', owner: 'a call', example: callExample };

function mergePolicy(
  given: Checked<typeof ENTRY_CHECKS>,
  base: EntryPolicy,
  codecs: ReadonlyMap<string, Codec>,
): EntryPolicy {
  return Object.freeze({
    ttl: given.ttl ?? base.ttl,
    nullTtl: given.nullTtl ?? base.nullTtl,
    staleWhileRevalidate: given.staleWhileRevalidate ?? base.staleWhileRevalidate,
    staleIfError: given.staleIfError ?? base.staleIfError,
    staleIfErrorWhen: given.staleIfErrorWhen ?? base.staleIfErrorWhen,
    jitter: given.jitter ?? base.jitter,
    refreshAhead: given.refreshAhead ?? base.refreshAhead,
    softTimeout: given.producerTimeout?.soft ?? base.softTimeout,
    hardTimeout: given.producerTimeout?.hard ?? base.hardTimeout,
    codec: given.codec === undefined ? base.codec : resolveCodec(given.codec, codecs),
  });
}

/**
 * The ttl for a value, in milliseconds.
 * @throws CacheConfigError (`CACHE_CONFIG`) when the callback returns no duration
 */
export function ttlFor(policy: EntryPolicy, value: unknown, override: number | undefined): number {
  if (override !== undefined) return override;
  const ttl =
    typeof policy.ttl === 'number' ? policy.ttl : toMilliseconds(policy.ttl(value), 'ttl(value)');
  return value === null ? (policy.nullTtl ?? Math.min(ttl, NULL_TTL_CAP)) : ttl;
}

/**
 * @param choice the name of a codec, or an object that has the members of one
 * @throws CacheConfigError (`CACHE_CONFIG`) for an unknown name, and for an id of this library
 */
export function resolveCodec(choice: CodecChoice, codecs: ReadonlyMap<string, Codec>): Codec {
  if (typeof choice === 'string') {
    const named = codecs.get(choice);
    if (named !== undefined && !(INTERNAL in named)) return named;
    const names = [...codecs.values()].filter((known) => !(INTERNAL in known)).map(({ id }) => id);
    throw wrongOption('codec', expectedCodec(names), formatValue(choice));
  }
  if (
    RESERVED_CODEC_IDS.has(choice.id) &&
    choice !== codecs.get(choice.id) &&
    !(INTERNAL in choice)
  ) {
    throw new CacheConfigError(
      `The codec id '${choice.id}' belongs to this library: entries name the codec they are read ` +
        'with. Give your codec an id of its own.',
    );
  }
  return choice;
}

/** Not aborts, and not errors that are the caller's own fault: a 404 stays a 404. */
function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true;
  if ('name' in error && error.name === 'AbortError') return false;
  const status =
    'getStatus' in error && typeof error.getStatus === 'function'
      ? (error.getStatus as () => unknown)()
      : 'status' in error
        ? error.status
        : undefined;
  return !(typeof status === 'number' && status >= 400 && status < 500);
}

function noTenant(): undefined {
  return undefined;
}
