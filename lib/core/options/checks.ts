import type { CacheBackend } from '../../ports/backend.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import { type Duration, duration } from '../../ports/duration.js';
import {
  arrayOf,
  between,
  cacheName,
  callback,
  check,
  type Check,
  type Checks,
  flag,
  formatValue,
  group,
  isFilled,
  isObject,
  oneOf,
  positive,
  required,
} from '../../ports/validate.js';
import { assertTags } from '../groups/groups.js';
import type {
  CacheOptions,
  CodecChoice,
  EntryOptions,
  GetOrSetOptions,
  InvalidationRule,
  RefreshAhead,
  SetOptions,
  WarmUpOptions,
} from './types.js';

type FromValue<T> = (value: unknown) => T;

/** What may be said of entries, for a whole cache or for a call. */
export const ENTRY_CHECKS = {
  ttl: orCallback<number, FromValue<Duration>>(duration()),
  nullTtl: duration(),
  staleWhileRevalidate: duration(),
  staleIfError: duration(),
  staleIfErrorWhen: callback<(error: unknown) => boolean>(),
  jitter: between(0, 1),
  refreshAhead: check<RefreshAhead>(
    "'xfetch', false, or a share of the ttl between 0 and 1",
    (given) => given === 'xfetch' || given === false || isShare(given),
  ),
  producerTimeout: group(
    { soft: duration(), hard: duration(1) } satisfies Checks<
      NonNullable<EntryOptions['producerTimeout']>
    >,
    "{ soft: '200ms', hard: '5s' }",
  ),
  // The names of codecs depend on the cache: `resolveCodec` knows them.
  codec: check<CodecChoice>(
    expectedCodec(['json', 'cbor']),
    (given) => typeof given === 'string' || isCodec(given),
  ),
} satisfies Checks<EntryOptions>;

export const CACHE_CHECKS = {
  ...ENTRY_CHECKS,
  name: cacheName,
  // A string is not shown: it may be a URL with a password.
  backend: check<CacheBackend>(
    'an object with the methods get(key) and set(key, bytes, ttlMs), such as ' +
      'new MemoryBackend() or new RedisBackend(...)',
    (given) => hasMethods(given, 'get', 'set'),
    (given) => (typeof given === 'string' ? 'a string' : formatValue(given)),
  ),
  l1: check<NonNullable<CacheOptions['l1']>>(
    "true, false or an object such as { maxBytes: '64mb' }",
    (given) => typeof given === 'boolean' || isObject(given),
  ),
  namespace: cacheName,
  tenancy: oneOf('optional', 'required'),
  tenant: callback<NonNullable<CacheOptions['tenant']>>(),
  replicaLag: duration(),
  strict: flag,
  lease: group(
    { ttl: duration(100), wait: duration() } satisfies Checks<NonNullable<CacheOptions['lease']>>,
    "{ ttl: '3s', wait: '10s' }",
  ),
  backendTimeout: duration(1),
  maxValueBytes: positive,
  exposeKeys: flag,
  invalidations: arrayOf<InvalidationRule>('an array of on(Event, (event) => request)', (item) =>
    hasMethods(item, 'event', 'invalidates'),
  ),
  clock: check<Clock>('an object with the methods now() and after(ms, task)', (given) =>
    hasMethods(given, 'now', 'after'),
  ),
} satisfies Checks<CacheOptions>;

const tags = orCallback<readonly string[], FromValue<readonly string[]>>((given) => {
  assertTags(given);
  return given;
});

export const SET_CHECKS = {
  ...ENTRY_CHECKS,
  tags,
  resultTags: callback<FromValue<readonly string[]>>(),
} satisfies Checks<SetOptions>;

export const CALL_CHECKS = {
  ...SET_CHECKS,
  signal: check<AbortSignal>(
    'an AbortSignal',
    (given) => isObject(given) && 'aborted' in given && 'addEventListener' in given,
  ),
  unless: callback<FromValue<boolean>>(),
} satisfies Checks<GetOrSetOptions>;

export const WARM_UP_CHECKS = {
  ...CALL_CHECKS,
  batchSize: positive,
  concurrency: positive,
  onProgress: callback<NonNullable<WarmUpOptions['onProgress']>>(),
  once: group(
    {
      name: required(check<string>('a string that is not empty', isFilled)),
      every: required(duration()),
      within: duration(),
    } satisfies Checks<NonNullable<WarmUpOptions['once']>>,
    "{ name: 'rates', every: '1h' }",
  ),
} satisfies Checks<WarmUpOptions>;

/** A function is called with the value later on; anything else must pass the check. */
export function orCallback<T, F>(other: Check<T>): Check<T | F> {
  return (given, name) => (typeof given === 'function' ? (given as F) : other(given, name));
}

/** How options of a call look. Other caches take `set(key, value, ttl)`. */
export function callExample(given: unknown): string {
  return typeof given === 'number' || typeof given === 'string'
    ? `{ ttl: ${formatValue(given)} }`
    : "{ ttl: '30s' }";
}

export function expectedCodec(names: readonly string[]): string {
  return (
    `one of ${names.map((id) => `'${id}'`).join(', ')}, or an object { id, encode, decode } ` +
    'whose id has 1 to 8 characters of a-z and 0-9'
  );
}

function isCodec(given: unknown): given is Codec {
  if (!hasMethods(given, 'encode', 'decode')) return false;
  const { id } = given as Partial<Codec>;
  return typeof id === 'string' && /^[a-z0-9]{1,8}$/.test(id);
}

function isShare(given: unknown): boolean {
  return typeof given === 'number' && given > 0 && given < 1;
}

function hasMethods(given: unknown, ...names: readonly string[]): boolean {
  return (
    isObject(given) &&
    names.every((name) => typeof (given as Record<string, unknown>)[name] === 'function')
  );
}
