import { type Duration, MAX_DURATION_MS, toMilliseconds } from './duration.js';
import type { Check, Checked, Checks } from './validate.js';
import { formatValue, isObject, parseOptions, wrongOption } from './validate.js';

// Checks for the tables of options, imported as `is`: `{ ttl: is.duration(), strict: is.flag }`.

/** @param format how the message shows the value: not at all where it may be a secret */
export function that<T>(
  expected: string,
  accepts: (given: unknown) => boolean,
  format = formatValue,
): Check<T> {
  return (given, name) => {
    if (accepts(given)) return given as T;
    throw wrongOption(name, expected, format(given));
  };
}

/** A function is called later on; anything else must pass the check. */
export function callbackOr<T, F>(check: Check<T>): Check<T | F> {
  return (given, name) => (typeof given === 'function' ? (given as F) : check(given, name));
}

/** An option that is an object of options itself. */
export function group<C extends Checks>(
  checks: C,
  example: string,
  required?: readonly (keyof C & string)[],
): Check<Checked<C>> {
  return (given, name) => {
    const owner = name.slice(name.lastIndexOf(' ') + 1);
    const description = { what: name, example, owner, prefix: `${name}.`, required };
    return parseOptions(given, checks, description);
  };
}

/** Within the bounds, in milliseconds; read as milliseconds. */
export function duration(min = 0, max = MAX_DURATION_MS): Check<number> {
  const range =
    max === MAX_DURATION_MS
      ? `at least ${String(min)} ms`
      : `from ${String(min)} ms to ${String(max)} ms`;
  return (given, name) => {
    const ms = toMilliseconds(given as Duration, name);
    if (ms >= min && ms <= max) return ms;
    throw wrongOption(name, range, `${String(ms)} ms`);
  };
}

export function wholeNumber(min: number, max: number): Check<number> {
  return that(
    `a whole number from ${String(min)} to ${String(max)}`,
    (given) => Number.isInteger(given) && isBetween(given, min, max),
  );
}

export function between(min: number, max: number): Check<number> {
  return that(`a number from ${String(min)} to ${String(max)}`, (given) =>
    isBetween(given, min, max),
  );
}

export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
  return that(choices.map((choice) => `'${choice}'`).join(' or '), (given) =>
    choices.includes(given as T),
  );
}

export function callback<T>(expected = 'a function'): Check<T> {
  return that(expected, (given) => typeof given === 'function');
}

/** @param methods the names of members that must be functions */
export function objectWith<T>(expected: string, ...methods: readonly string[]): Check<T> {
  return that(expected, (given) => hasMethods(given, ...methods));
}

export function arrayOf<T>(expected: string, accepts: (item: unknown) => boolean): Check<T[]> {
  return that(
    expected,
    (given) => Array.isArray(given) && given.every(accepts),
    (given) => (Array.isArray(given) ? 'an array with something else in it' : formatValue(given)),
  );
}

export const flag = that<boolean>('true or false', (given) => typeof given === 'boolean');
export const array = that<readonly unknown[]>('an array', Array.isArray);
export const text = that<string>('a string that is not empty', isFilled);
export const textOrCallback = that<unknown>(
  'a string that is not empty, or a function of the arguments',
  (given) => isFilled(given) || typeof given === 'function',
);
/** The name of a cache or namespace. */
export const cacheName = that<string>(
  'a string of 1 to 100 characters',
  (given) => isFilled(given) && given.length <= 100,
);
export const positive = that<number>(
  'a positive whole number',
  (given) => Number.isSafeInteger(given) && isBetween(given, 1, Infinity),
);

export function isFilled(given: unknown): given is string {
  return typeof given === 'string' && given !== '';
}

export function hasMethods(given: unknown, ...methods: readonly string[]): boolean {
  if (!isObject(given)) return false;
  const object = given as Readonly<Record<string, unknown>>;
  return methods.every((name) => typeof object[name] === 'function');
}

function isBetween(given: unknown, min: number, max: number): boolean {
  return typeof given === 'number' && given >= min && given <= max;
}
