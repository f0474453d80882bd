import { CacheConfigError } from '../../ports/errors.js';
import { assertOptions, assertKnownOptions, isObject, formatValue } from '../../ports/validate.js';
import { toMilliseconds } from '../../ports/duration.js';
import { assertTags } from '../groups/groups.js';
import { describeType } from '../key/percent-encoding.js';
import { ENTRY_OPTIONS } from './options.js';
import type { GetOrSetOptions, WarmUpOptions } from './types.js';

const CALL: ReadonlySet<string> = new Set([
  ...ENTRY_OPTIONS,
  'tags',
  'resultTags',
  'signal',
  'unless',
]);
const SET: ReadonlySet<string> = new Set([...ENTRY_OPTIONS, 'tags', 'resultTags']);
const WARM_UP: ReadonlySet<string> = new Set([
  ...CALL,
  'batchSize',
  'concurrency',
  'onProgress',
  'once',
]);
const ONCE: ReadonlySet<string> = new Set(['name', 'every', 'within']);
const UNIT: ReadonlySet<string> = new Set(['inDoubt']);

/**
 * What `resolvePolicy` does not look at.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the option, what was expected and what was given
 */
export function assertCallOptions(options: unknown): asserts options is GetOrSetOptions<never> {
  checkObject(options);
  assertKnownOptions(options, CALL, 'option of a call');
  const { tags, resultTags, signal, unless } = options as Readonly<Record<string, unknown>>;
  if (tags !== undefined && typeof tags !== 'function') assertTags(tags);
  callback(resultTags, 'resultTags');
  callback(unless, 'unless');
  checkSignal(signal);
}

function checkSignal(signal: unknown): void {
  if (
    signal !== undefined &&
    !(isObject(signal) && 'aborted' in signal && 'addEventListener' in signal)
  )
    throw new CacheConfigError(`signal must be an AbortSignal; got ${formatValue(signal)}.`);
}

/** @throws CacheConfigError (`CACHE_CONFIG`) for what is no task, before anything is done */
export function assertTask(
  method: 'unitOfWork' | 'awaitInvalidations',
  task: unknown,
  options?: unknown,
): void {
  if (typeof task !== 'function')
    throw new CacheConfigError(
      `${method}: give the task as a function, ${method}(async () => { ... }); got ${formatValue(task)}.`,
    );
  if (options === undefined) return;
  assertOptions(options, `${method}: the options`, '{ inDoubt: (error) => true }', UNIT, method);
  callback((options as { readonly inDoubt?: unknown }).inDoubt, `${method}: inDoubt`);
}

/** @throws CacheConfigError (`CACHE_CONFIG`) for what `set` would pass over */
export function assertSetOptions(options: unknown): void {
  if (options === undefined) return;
  checkObject(options);
  assertKnownOptions(options, SET, 'option of set');
}

/**
 * @returns what the calls of a warm-up are made with; one object, so that it is resolved once
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function warmUpCallOptions<T>(
  keys: unknown,
  produceMissing: unknown,
  options: WarmUpOptions<T> | undefined,
): GetOrSetOptions<T> | undefined {
  const many =
    typeof keys === 'object' &&
    keys !== null &&
    (Symbol.iterator in keys || Symbol.asyncIterator in keys);
  if (!many)
    throw new CacheConfigError(
      `warmUp: keys must be an array, or something else to iterate over; got ${describeType(keys)}.`,
    );
  checkProduceMissing('warmUp', produceMissing);
  if (options === undefined) return undefined;
  checkObject(options);
  assertKnownOptions(options, WARM_UP, 'option of warmUp');
  callback(options.onProgress, 'warmUp: onProgress');
  checkSignal(options.signal);
  const { once } = options;
  if (once !== undefined) {
    assertOptions(once, 'warmUp: once', "{ name: 'rates', every: '1h' }", ONCE, 'once');
    toMilliseconds(once.every, 'warmUp: once.every');
    if (once.within !== undefined) toMilliseconds(once.within, 'warmUp: once.within');
  }
  return Object.fromEntries(Object.entries(options).filter(([name]) => CALL.has(name)));
}

/** @throws CacheConfigError (`CACHE_CONFIG`): a text would be taken apart into its characters */
export function assertArray<T>(given: readonly T[], what: string): readonly T[] {
  const isArray: boolean = Array.isArray(given);
  if (isArray) return given;
  throw new CacheConfigError(`${what} must be an array; got ${describeType(given)}.`);
}

/** @throws CacheConfigError (`CACHE_CONFIG`) for what `getOrSetMany` cannot work with */
export function assertBatch(keys: readonly unknown[], produceMissing: unknown): void {
  assertArray(keys, 'getOrSetMany: keys');
  checkProduceMissing('getOrSetMany', produceMissing);
}

function checkProduceMissing(method: 'getOrSetMany' | 'warmUp', produceMissing: unknown): void {
  if (typeof produceMissing === 'function') return;
  throw new CacheConfigError(
    `${method}: produceMissing must be a function that returns the values of the keys it is given; got ${formatValue(produceMissing)}.`,
  );
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertEntries<K, T>(
  entries: Iterable<readonly [K, T]>,
): readonly (readonly [K, T])[] {
  if (isIterable(entries)) {
    const pairs = Array.from(entries);
    if (pairs.every((pair: unknown) => Array.isArray(pair) && pair.length === 2)) return pairs;
  }
  throw new CacheConfigError(
    `setMany: entries must be a Map, or an array of pairs [key, value]; got ${describeType(entries)}.`,
  );
}

function isIterable(given: unknown): boolean {
  return typeof given === 'object' && given !== null && Symbol.iterator in given;
}

function callback(given: unknown, name: string): void {
  if (given !== undefined && typeof given !== 'function')
    throw new CacheConfigError(`${name} must be a function; got ${formatValue(given)}.`);
}

function checkObject(options: unknown): asserts options is object {
  if (isObject(options)) return;
  // What `set(key, value, ttl)` of other caches takes.
  const such =
    typeof options === 'number' || typeof options === 'string'
      ? `{ ttl: ${formatValue(options)} }`
      : "{ ttl: '30s' }";
  throw new CacheConfigError(
    `options must be an object such as ${such}; got ${formatValue(options)}.`,
  );
}
