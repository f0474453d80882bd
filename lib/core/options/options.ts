import type { Clock } from '../../ports/clock.js';
import { type Codec, INTERNAL } from '../../ports/codec.js';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import { assertOptions, assertKnownOptions, isObject, formatValue } from '../../ports/validate.js';
import { encodePart } from '../key/percent-encoding.js';
import type {
  CacheOptions,
  CodecChoice,
  EntryOptions,
  InvalidationRule,
  RefreshAhead,
  Tenancy,
} from './types.js';

/** How entries are made and used: everything decided, nothing optional. All durations in milliseconds. */
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
const DEFAULT_TTL = 30_000;
const NULL_TTL_CAP = 30_000;
/** What can be said of an entry. */
export const ENTRY_OPTIONS = [
  'ttl',
  'nullTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'staleIfErrorWhen',
  'jitter',
  'refreshAhead',
  'producerTimeout',
  'codec',
] as const satisfies readonly (keyof EntryOptions<never>)[];
/** What can be said of a cache. */
export const CACHE_OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'name',
    'backend',
    'l1',
    'namespace',
    'tenancy',
    'tenant',
    'replicaLag',
    'strict',
    'lease',
    'backendTimeout',
  ],
  ...['maxValueBytes', 'clock', 'exposeKeys', 'invalidations'],
  ...ENTRY_OPTIONS,
]);
const LEASE_OPTIONS: ReadonlySet<string> = new Set(['ttl', 'wait']);
const TIMEOUT_OPTIONS: ReadonlySet<string> = new Set(['soft', 'hard']);
/** Of the codecs that stored entries are read with, whoever wrote them. */
const RESERVED_CODEC_IDS: ReadonlySet<string> = new Set(['json', 'cbor', 'http']);

/**
 * Merges the options of a cache with the defaults, once, at start.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the option, what was expected and what was given
 */
export function resolveSettings(
  options: CacheOptions,
  codecs: ReadonlyMap<string, Codec>,
): Settings {
  checkIsOptions(options, 'Cache options');
  assertKnownOptions(options, CACHE_OPTIONS, 'cache option');
  checkParts(options);
  const tenancy = withDefault(options.tenancy, 'optional');
  if (!['optional', 'required'].includes(tenancy)) {
    throw new CacheConfigError(
      `tenancy must be 'optional' or 'required'; got ${formatValue(tenancy)}.`,
    );
  }
  const policy = resolvePolicy(options, DEFAULTS(codecs), codecs);
  return Object.freeze({
    name: text(withDefault(options.name, 'default'), 'name'),
    namespace: encodePart(text(withDefault(options.namespace, 'cache'), 'namespace'), 'namespace'),
    tenancy,
    tenant: callback(withDefault(options.tenant, noTenant), 'tenant'),
    hasTenantResolver: options.tenant !== undefined,
    replicaLag: toMilliseconds(withDefault(options.replicaLag, 0), 'replicaLag'),
    strict: flag(withDefault(options.strict, false), 'strict'),
    leaseTtl: atLeast(
      100,
      toMilliseconds(withDefault(options.lease?.ttl, 3_000), 'lease.ttl'),
      'lease.ttl',
    ),
    leaseWait: toMilliseconds(withDefault(options.lease?.wait, 10_000), 'lease.wait'),
    backendTimeout: atLeast(
      1,
      toMilliseconds(withDefault(options.backendTimeout, 250), 'backendTimeout'),
      'backendTimeout',
    ),
    maxValueBytes: positive(withDefault(options.maxValueBytes, 8 * 1024 * 1024), 'maxValueBytes'),
    exposeKeys: flag(withDefault(options.exposeKeys, false), 'exposeKeys'),
    policy,
  });
}

/**
 * A backend in the place of the options has no members that are seen, so all defaults would hold, and no backend.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function checkIsOptions(given: unknown, what: string): asserts given is object {
  if (!isObject(given))
    throw new CacheConfigError(`${what} must be an object; got ${formatValue(given)}.`);
  if ('get' in given && 'set' in given)
    throw new CacheConfigError(
      `${what} must be an object such as { backend }; got a backend itself. Give it as an option: { backend }.`,
    );
}

/** The options that are objects themselves; `backend` is checked where it is opened. */
function checkParts({ lease, clock, invalidations, l1 }: CacheOptions): void {
  if (lease !== undefined)
    assertOptions(lease, 'lease', "{ ttl: '3s', wait: '10s' }", LEASE_OPTIONS);
  const given = clock as Partial<Clock> | null | undefined;
  if (
    given !== undefined &&
    !(typeof given?.now === 'function' && typeof given.after === 'function')
  )
    throw new CacheConfigError(
      `clock must be an object with the methods now() and after(ms, task); got ${formatValue(given)}.`,
    );
  if (invalidations !== undefined && !(Array.isArray(invalidations) && invalidations.every(isRule)))
    throw new CacheConfigError(
      `invalidations must be an array of on(Event, (event) => request); got ${formatValue(invalidations)}${Array.isArray(invalidations) ? ' with something else in it' : ''}.`,
    );
  if (l1 !== undefined && typeof l1 !== 'boolean' && !isObject(l1))
    throw new CacheConfigError(
      `l1 must be true, false or an object such as { maxBytes: '64mb' }; got ${formatValue(l1)}.`,
    );
}

function isRule(given: unknown): boolean {
  if (!isObject(given)) return false;
  const { event, invalidates } = given as Partial<InvalidationRule>;
  return typeof event === 'function' && typeof invalidates === 'function';
}

const DEFAULTS = (codecs: ReadonlyMap<string, Codec>): EntryPolicy => ({
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
});

/**
 * The policy of a call: its options over those of the cache.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function resolvePolicy(
  options: EntryOptions<never>,
  base: EntryPolicy,
  codecs: ReadonlyMap<string, Codec>,
): EntryPolicy {
  const { ttl, jitter, refreshAhead } = options;
  if (jitter !== undefined && !(typeof jitter === 'number' && jitter >= 0 && jitter <= 1))
    throw new CacheConfigError(`jitter must be a number from 0 to 1; got ${formatValue(jitter)}.`);
  if (
    refreshAhead !== undefined &&
    refreshAhead !== false &&
    refreshAhead !== 'xfetch' &&
    !isShare(refreshAhead)
  ) {
    throw new CacheConfigError(
      `refreshAhead must be 'xfetch', false, or a share of the ttl between 0 and 1; got ${formatValue(refreshAhead)}.`,
    );
  }
  if (options.producerTimeout !== undefined)
    assertOptions(
      options.producerTimeout,
      'producerTimeout',
      "{ soft: '200ms', hard: '5s' }",
      TIMEOUT_OPTIONS,
    );
  const soft = options.producerTimeout?.soft;
  const hard = options.producerTimeout?.hard;
  const duration = (given: Duration | undefined, name: string, fallback: number): number =>
    given === undefined ? fallback : toMilliseconds(given, name);
  return Object.freeze({
    ttl:
      typeof ttl === 'function'
        ? (ttl as (value: unknown) => Duration)
        : duration(ttl, 'ttl', base.ttl as number),
    nullTtl:
      options.nullTtl === undefined ? base.nullTtl : toMilliseconds(options.nullTtl, 'nullTtl'),
    staleWhileRevalidate: duration(
      options.staleWhileRevalidate,
      'staleWhileRevalidate',
      base.staleWhileRevalidate,
    ),
    staleIfError: duration(options.staleIfError, 'staleIfError', base.staleIfError),
    staleIfErrorWhen: callback(
      withDefault(options.staleIfErrorWhen, base.staleIfErrorWhen),
      'staleIfErrorWhen',
    ),
    jitter: jitter ?? base.jitter,
    refreshAhead: refreshAhead ?? base.refreshAhead,
    softTimeout: duration(soft, 'producerTimeout.soft', base.softTimeout),
    hardTimeout:
      hard === undefined
        ? base.hardTimeout
        : atLeast(1, toMilliseconds(hard, 'producerTimeout.hard'), 'producerTimeout.hard'),
    codec: options.codec === undefined ? base.codec : resolveCodec(options.codec, codecs),
  });
}

/** The ttl for a value, in milliseconds. @throws CacheConfigError when the function gives no duration */
export function ttlFor(policy: EntryPolicy, value: unknown, override: number | undefined): number {
  if (override !== undefined) return override;
  const ttl =
    typeof policy.ttl === 'number' ? policy.ttl : toMilliseconds(policy.ttl(value), 'ttl(value)');
  return value === null ? (policy.nullTtl ?? Math.min(ttl, NULL_TTL_CAP)) : ttl;
}

function resolveCodec(choice: CodecChoice, codecs: ReadonlyMap<string, Codec>): Codec {
  const named = typeof choice === 'string' ? codecs.get(choice) : undefined;
  const codec =
    typeof choice === 'string'
      ? named !== undefined && INTERNAL in named
        ? undefined
        : named
      : choice;
  if (!isCodec(codec)) {
    const names = [...codecs.values()]
      .filter((known) => !(INTERNAL in known))
      .map(({ id }) => `'${id}'`);
    throw new CacheConfigError(
      `codec must be one of ${names.join(', ')}, or an object { id, encode, decode } whose id has 1 to 8 characters of a-z and 0-9; got ${formatValue(choice)}.`,
    );
  }
  if (RESERVED_CODEC_IDS.has(codec.id) && codec !== codecs.get(codec.id) && !(INTERNAL in codec)) {
    throw new CacheConfigError(
      `The codec id '${codec.id}' belongs to this library: entries name the codec they are read with. Give your codec an id of its own.`,
    );
  }
  return codec;
}

function isCodec(given: unknown): given is Codec {
  if (!isObject(given)) return false;
  const { id, encode, decode } = given as Partial<Codec>;
  return (
    typeof encode === 'function' &&
    typeof decode === 'function' &&
    typeof id === 'string' &&
    /^[a-z0-9]{1,8}$/.test(id)
  );
}

/** Not when the caller gave up, and not for answers that are the caller's own fault: a 404 stays a 404. */
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

/** The default is for what is left out. Null is something that was given: as a backend or a tenant it must not be passed over. */
function withDefault<T>(given: T | undefined, fallback: T): T {
  return given === undefined ? fallback : given;
}

function isShare(given: unknown): boolean {
  return typeof given === 'number' && given > 0 && given < 1;
}

function text(given: unknown, name: string): string {
  if (typeof given === 'string' && given.length > 0 && given.length <= 100) return given;
  throw new CacheConfigError(
    `${name} must be a text of 1 to 100 characters; got ${formatValue(given)}.`,
  );
}

function flag(given: unknown, name: string): boolean {
  if (typeof given === 'boolean') return given;
  throw new CacheConfigError(`${name} must be true or false; got ${formatValue(given)}.`);
}

function positive(given: unknown, name: string): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0) return given;
  throw new CacheConfigError(`${name} must be a positive whole number; got ${formatValue(given)}.`);
}

function atLeast(least: number, ms: number, name: string): number {
  if (ms >= least) return ms;
  throw new CacheConfigError(`${name} must be at least ${String(least)} ms; got ${String(ms)} ms.`);
}

function callback<T>(given: T, name: string): T {
  if (typeof given === 'function') return given;
  throw new CacheConfigError(`${name} must be a function; got ${formatValue(given)}.`);
}
