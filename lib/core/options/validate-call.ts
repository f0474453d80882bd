import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import {
  assertKnownOptions,
  assertObject,
  formatValue,
  isObject,
  parseOptions,
  wrongOption,
} from '../../ports/validate.js';
import { describeType } from '../key/percent-encoding.js';
import { CALL_CHECKS, callExample, SET_CHECKS, WARM_UP_CHECKS } from './checks.js';
import type { GetOrSetOptions, WarmUpOptions } from './types.js';

/** @throws CacheConfigError (`CACHE_CONFIG`), before anything is done */
export function assertTask(
  method: 'unitOfWork' | 'awaitInvalidations',
  task: unknown,
  options?: unknown,
): void {
  if (typeof task !== 'function')
    throw new CacheConfigError(
      `${method}: give the task as a function, ${method}(async () => { ... }); ` +
        `got ${formatValue(task)}.`,
    );
  if (options === undefined) return;
  parseOptions(options, UNIT_CHECKS, {
    what: `${method}: the options`,
    owner: method,
    example: '{ inDoubt: (error) => true }',
    prefix: `${method}: `,
  });
}

const UNIT_CHECKS = { inDoubt: is.callback() };

/**
 * The options that `set` does not have; the call checks the rest.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function assertSetOptions(options: unknown): void {
  if (options === undefined) return;
  assertObject(options, 'options', callExample);
  assertKnownOptions(options, SET_CHECKS, 'set');
}

/**
 * @returns the options of the calls of a warm-up; one object, so that it is resolved once
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function warmUpCallOptions<T>(
  keys: unknown,
  produceMissing: unknown,
  options: WarmUpOptions<T> | undefined,
): GetOrSetOptions<T> | undefined {
  warmUpKeys(keys, 'warmUp: keys');
  producer(produceMissing, 'warmUp: produceMissing');
  if (options === undefined) return undefined;
  parseOptions(options, WARM_UP_CHECKS, {
    what: 'options',
    owner: 'warmUp',
    example: callExample,
    prefix: 'warmUp: ',
  });
  // By the names there are: options of a class may be inherited, or getters.
  const given = options as Readonly<Record<string, unknown>>;
  const names = Object.keys(CALL_CHECKS).filter((name) => given[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, given[name]]));
}

const producer = is.callback('a function that returns the values of the keys it is given');

// Keys and values may be personal data, so messages name their type only.
const warmUpKeys = is.that(
  'an array, or something else to iterate over',
  (given) => isIterable(given) || (isObject(given) && Symbol.asyncIterator in given),
  describeType,
);

/** @throws CacheConfigError (`CACHE_CONFIG`): a string would be taken apart into its characters */
export function assertArray<T>(given: readonly T[], what: string): readonly T[] {
  return is.that<readonly T[]>('an array', Array.isArray, describeType)(given, what);
}

/** @throws CacheConfigError (`CACHE_CONFIG`) for what `getOrSetMany` cannot work with */
export function assertBatch(keys: readonly unknown[], produceMissing: unknown): void {
  assertArray(keys, 'getOrSetMany: keys');
  producer(produceMissing, 'getOrSetMany: produceMissing');
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertEntries<K, T>(
  entries: Iterable<readonly [K, T]>,
): readonly (readonly [K, T])[] {
  if (isIterable(entries)) {
    const pairs = Array.from(entries);
    if (pairs.every((pair: unknown) => Array.isArray(pair) && pair.length === 2)) return pairs;
  }
  throw wrongOption(
    'setMany: entries',
    'a Map, or an array of pairs [key, value]',
    describeType(entries),
  );
}

function isIterable(given: unknown): given is Iterable<unknown> {
  return typeof given === 'object' && given !== null && Symbol.iterator in given;
}
