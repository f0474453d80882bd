import type { CacheBackend } from '../../ports/backend.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Duration } from '../../ports/duration.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, formatValue, isObject } from '../../ports/validate.js';
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
type ProducerTimeout = NonNullable<EntryOptions['producerTimeout']>;
type Lease = NonNullable<CacheOptions['lease']>;
type Once = NonNullable<WarmUpOptions['once']>;

/** The options of entries, for a whole cache or for a call. */
export const ENTRY_CHECKS = {
  ttl: is.callbackOr<number, FromValue<Duration>>(is.duration()),
  nullTtl: is.duration(),
  staleWhileRevalidate: is.duration(),
  staleIfError: is.duration(),
  staleIfErrorWhen: is.callback<(error: unknown) => boolean>(),
  jitter: is.between(0, 1),
  refreshAhead: is.that<RefreshAhead>(
    "'xfetch', false, or a share of the ttl between 0 and 1",
    (given) =>
      given === 'xfetch' ||
      given === false ||
      (typeof given === 'number' && given > 0 && given < 1),
  ),
  producerTimeout: is.group(
    { soft: is.duration(), hard: is.duration(1) } satisfies Checks<ProducerTimeout>,
    "{ soft: '200ms', hard: '5s' }",
  ),
  // The names of codecs depend on the cache: `resolveCodec` knows them.
  codec: is.that<CodecChoice>(
    expectedCodec(['json', 'cbor']),
    (given) => typeof given === 'string' || isCodec(given),
  ),
} satisfies Checks<EntryOptions>;

export const CACHE_CHECKS = {
  ...ENTRY_CHECKS,
  name: is.cacheName,
  // A string is not shown: it may be a URL with a password.
  backend: is.that<CacheBackend>(
    'an object with the methods get(key) and set(key, bytes, ttlMs), such as ' +
      'new MemoryBackend() or new RedisBackend(...)',
    (given) => is.hasMethods(given, 'get', 'set'),
    (given) => (typeof given === 'string' ? 'a string' : formatValue(given)),
  ),
  l1: is.that<NonNullable<CacheOptions['l1']>>(
    "true, false or an object such as { maxBytes: '64mb' }",
    (given) => typeof given === 'boolean' || isObject(given),
  ),
  namespace: is.cacheName,
  tenancy: is.oneOf('optional', 'required'),
  tenant: is.callback<NonNullable<CacheOptions['tenant']>>(),
  replicaLag: is.duration(),
  strict: is.flag,
  lease: is.group(
    { ttl: is.duration(100), wait: is.duration() } satisfies Checks<Lease>,
    "{ ttl: '3s', wait: '10s' }",
  ),
  backendTimeout: is.duration(1),
  maxValueBytes: is.positive,
  exposeKeys: is.flag,
  invalidations: is.arrayOf<InvalidationRule>('an array of on(Event, (event) => request)', (item) =>
    is.hasMethods(item, 'event', 'invalidates'),
  ),
  clock: is.objectWith<Clock>(
    'an object with the methods now() and after(ms, task)',
    'now',
    'after',
  ),
} satisfies Checks<CacheOptions>;

const tags = is.callbackOr<readonly string[], FromValue<readonly string[]>>((given) => {
  assertTags(given);
  return given;
});

export const SET_CHECKS = {
  ...ENTRY_CHECKS,
  tags,
  resultTags: is.callback<FromValue<readonly string[]>>(),
} satisfies Checks<SetOptions>;

export const CALL_CHECKS = {
  ...SET_CHECKS,
  signal: is.that<AbortSignal>(
    'an AbortSignal',
    (given) => isObject(given) && 'aborted' in given && 'addEventListener' in given,
  ),
  unless: is.callback<FromValue<boolean>>(),
} satisfies Checks<GetOrSetOptions>;

export const WARM_UP_CHECKS = {
  ...CALL_CHECKS,
  batchSize: is.positive,
  concurrency: is.positive,
  onProgress: is.callback<NonNullable<WarmUpOptions['onProgress']>>(),
  once: is.group(
    { name: is.text, every: is.duration(), within: is.duration() } satisfies Checks<Once>,
    "{ name: 'rates', every: '1h' }",
    ['name', 'every'],
  ),
} satisfies Checks<WarmUpOptions>;

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
  if (!is.hasMethods(given, 'encode', 'decode')) return false;
  const { id } = given as Partial<Codec>;
  return typeof id === 'string' && /^[a-z0-9]{1,8}$/.test(id);
}
