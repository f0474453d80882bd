import { CacheConfigError } from './errors.js';

/**
 * Reads one option: returns what it means (a duration in milliseconds, say), or throws a
 * `CacheConfigError` that names the option, what was expected and what was given.
 */
export type Check<T = unknown> = (given: unknown, name: string) => T;

/** One check for each option of `O`: `satisfies` makes an option without one a compile error. */
export type Checks<O = Readonly<Record<string, unknown>>> = {
  readonly [Name in keyof O]-?: Check;
};

/** What the options mean; those that were left out are missing. */
export type Checked<C extends Checks> = {
  readonly [Name in keyof C]?: C[Name] extends Check<infer T> ? T : never;
};

export interface OptionsDescription {
  /** The subject of the message about something that is not an object. */
  readonly what: string;
  /** How such an object looks. */
  readonly example: string | ((given: unknown) => string);
  /** Whose options they are, in the message about an unknown name. Default: `what`. */
  readonly owner?: string;
  /** Put before the names of the options. Default: nothing. */
  readonly prefix?: string;
  /** Options whose checks also get undefined. Default: none. */
  readonly required?: readonly string[] | undefined;
  /** Ends the message about an unknown name. */
  readonly hint?: string;
}

/**
 * The one way options are checked: an object, no unknown names (a misspelt option would silently
 * not hold), and each value passes its check. Symbols are ignored.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function parseOptions<C extends Checks>(
  given: unknown,
  checks: C,
  description: OptionsDescription,
): Checked<C> {
  const { what, example, owner = what, prefix = '', required = NONE, hint } = description;
  assertObject(given, what, example);
  assertKnownOptions(given, checks, owner, hint);
  const options = given as Readonly<Record<string, unknown>>;
  const parsed: Record<string, unknown> = {};
  // Options of a class may be inherited, or getters: then look for each option there is.
  const isPlain = Object.getPrototypeOf(given) === Object.prototype;
  for (const name of Object.keys(isPlain ? given : checks)) {
    const value = options[name];
    if (value !== undefined) parsed[name] = checks[name]?.(value, prefix + name);
  }
  for (const name of required) {
    if (options[name] === undefined) checks[name]?.(undefined, prefix + name);
  }
  return parsed as Checked<C>;
}

const NONE: readonly string[] = Object.freeze([]);

/** @throws CacheConfigError (`CACHE_CONFIG`) that lists the options there are */
export function assertKnownOptions(given: object, checks: Checks, owner: string, hint = ''): void {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(checks, name))
      throw new CacheConfigError(
        `Unknown option of ${owner} ${JSON.stringify(name)}. ` +
          `Options are: ${Object.keys(checks).sort().join(', ')}.${hint}`,
      );
  }
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertObject(
  given: unknown,
  what: string,
  example: OptionsDescription['example'],
): asserts given is object {
  if (isObject(given)) return;
  const such = typeof example === 'string' ? example : example(given);
  throw wrongOption(what, `an object such as ${such}`, formatValue(given));
}

export function wrongOption(name: string, expected: string, got: string): CacheConfigError {
  return new CacheConfigError(`${name} must be ${expected}; got ${got}.`);
}

/** An object with members: neither null nor an array. */
export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

const MAX_FORMATTED = 60;

/** For messages: strings in quotes and cut short; of values that may be long only what they are. */
export function formatValue(given: unknown): string {
  if (typeof given === 'string')
    return JSON.stringify(
      given.length > MAX_FORMATTED ? `${given.slice(0, MAX_FORMATTED)}...` : given,
    );
  if (typeof given === 'bigint') return `${String(given)}n`;
  if (typeof given === 'function') return 'a function';
  if (Array.isArray(given)) return 'an array';
  return isObject(given) ? 'an object' : String(given);
}
