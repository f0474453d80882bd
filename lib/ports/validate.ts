import { CacheConfigError } from './errors.js';

/** An object with members: neither null nor an array. */
export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/**
 * A name that does not exist must not be passed over: what it was meant to say would not hold. Symbols are not looked at.
 * @param what how such an option is called in the message
 * @throws CacheConfigError (`CACHE_CONFIG`) that lists the names that do exist
 */
export function assertKnownOptions(given: object, names: ReadonlySet<string>, what: string): void {
  for (const name of Object.keys(given)) {
    if (!names.has(name))
      throw new CacheConfigError(
        `Unknown ${what} ${JSON.stringify(name)}. Options are: ${[...names].sort().join(', ')}.`,
      );
  }
}

/**
 * An object of options, with no names but these.
 * @param example how one looks, for the message
 * @param of whose options they are, for the message of a name that does not exist
 * @throws CacheConfigError (`CACHE_CONFIG`) naming what it is, what was expected and what was given
 */
export function assertOptions(
  given: unknown,
  what: string,
  example: string,
  names: ReadonlySet<string>,
  of = what,
): asserts given is object {
  if (!isObject(given))
    throw new CacheConfigError(
      `${what} must be an object such as ${example}; got ${formatValue(given)}.`,
    );
  assertKnownOptions(given, names, `option of ${of}`);
}

const LONGEST_SHOWN = 60;

/** For messages: a text in quotes, of anything else that may be long only what it is. */
export function formatValue(given: unknown): string {
  if (typeof given === 'string')
    return JSON.stringify(
      given.length > LONGEST_SHOWN ? `${given.slice(0, LONGEST_SHOWN)}...` : given,
    );
  if (typeof given === 'bigint') return `${String(given)}n`;
  if (typeof given === 'function') return 'a function';
  if (Array.isArray(given)) return 'an array';
  return typeof given === 'object' && given !== null ? 'an object' : String(given);
}
