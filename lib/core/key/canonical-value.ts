import { CacheKeyError } from '../../ports/errors.js';
import { throwLoneSurrogate, describeType, tryEncodeText } from './percent-encoding.js';

/**
 * The canonical text of a value: equal values have the same text, different values different ones.
 *
 * | value | text |
 * |---|---|
 * | number, bigint | `1`, `-0`, `1e+21`, `NaN`, `1n` |
 * | string | percent-encoded; after `'` if it is empty or reads like a literal: `ann`, `'1` |
 * | boolean, null, undefined | `true`, `null`, `undefined` |
 * | array | `(1,2)`, empty `()`; a hole is `undefined` |
 * | plain object | `(a:1,b:2)` sorted by name, empty `(:)`; undefined members count |
 * | Date | `date(2026-01-31T00:00:00.000Z)` |
 * | Map, Set | `map(k:v)`, `set(v)`, sorted by text: their order does not count |
 * | Uint8Array, Buffer | `bytes(00ff)` |
 *
 * @param kind with `name`: how the error message calls the value; it adds the path within it, as in
 * `param "filter.owner"`
 * @throws CacheKeyError (`CACHE_KEY`) for functions, symbols, symbol members, cycles, invalid
 * dates, lone surrogates, class instances (also of classes that extend a built-in one), values
 * nested deeper than 500 levels, and values that throw when they are read
 */
export function encodeValue(value: unknown, kind: Part['kind'], name: string): string {
  // Every call of a decorated method comes here: the common cases allocate nothing.
  if (typeof value === 'string' && PLAIN_STRING.test(value)) return value;
  if (typeof value === 'number' && value !== 0) return String(value);
  try {
    return encodeAny(value, { kind, name }, []);
  } catch (error) {
    if (error instanceof CacheKeyError) throw error;
    // A getter or a proxy threw; its message may contain personal data.
    throw new CacheKeyError(
      `${kind} "${name}" threw when it was read. ` +
        'Use plain data, without getters that throw and without proxies.',
      { cause: error },
    );
  }
}

/** The same limit as in the codecs. */
const MAX_DEPTH = 500;

/** How error messages call the value: `kind "name"`. */
interface Part {
  readonly kind: 'param' | 'argument';
  readonly name: string;
}

const PLAIN_STRING = /^(?!(?:null|true|false|undefined|NaN|Infinity)$)[A-Za-z_.][A-Za-z0-9_.-]*$/;
const LITERAL = /^(?:-?(?:\d[\d.]*(?:e-?\d+)?n?|Infinity)|NaN|null|true|false|undefined|)$/;

/** @param above the objects that contain `value`, to find cycles and the path for an error */
function encodeAny(value: unknown, part: Part, above: object[]): string {
  switch (typeof value) {
    case 'string': {
      if (PLAIN_STRING.test(value)) return value;
      const text = tryEncodeText(value) ?? throwLoneSurrogate(partText(part, [...above, value]));
      return LITERAL.test(text) ? `'${text}` : text;
    }
    case 'number':
      return value === 0 && 1 / value < 0 ? '-0' : String(value);
    case 'bigint':
      return `${String(value)}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : encodeObject(value, part, above);
    default:
      return throwUnsupported(`is ${describeType(value)}`, part, [...above, value]);
  }
}

function encodeObject(value: object, part: Part, above: object[]): string {
  if (above.includes(value)) return throwUnsupported('contains itself', part, [...above, value]);
  if (above.length >= MAX_DEPTH)
    return throwUnsupported(`is nested deeper than ${String(MAX_DEPTH)} levels`, part, []);
  above.push(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const text =
    prototype === Object.prototype || prototype === null
      ? encodeMembers(value as Record<string, unknown>, part, above)
      : Array.isArray(value) && isArrayPrototype(prototype)
        ? encodeItems(value, part, above)
        : encodeBuiltIn(value, prototype, part, above);
  above.pop();
  return text;
}

function encodeItems(items: readonly unknown[], part: Part, above: object[]): string {
  let text = '(';
  for (let i = 0; i < items.length; i++)
    text += i === 0 ? encodeAny(items[i], part, above) : `,${encodeAny(items[i], part, above)}`;
  return `${text})`;
}

function encodeMembers(
  value: Readonly<Record<string, unknown>>,
  part: Part,
  above: object[],
): string {
  if (Object.getOwnPropertySymbols(value).length > 0)
    return throwUnsupported('has a member named by a symbol', part, above);
  const names = sorted(Object.keys(value));
  if (names.length === 0) return '(:)';
  let text = '';
  for (const name of names) {
    const label =
      tryEncodeText(name) ?? throwLoneSurrogate(`a member name in ${partText(part, above)}`);
    text += `${text === '' ? '(' : ','}${label}:${encodeAny(value[name], part, above)}`;
  }
  return `${text})`;
}

/**
 * Sorts by code units. Most objects have few members, often in order: then an insertion sort is
 * several times faster than `sort`.
 */
function sorted(names: string[]): string[] {
  if (names.length > 24) return names.sort();
  for (let i = 1; i < names.length; i++) {
    const name = names[i] ?? '';
    let to = i;
    for (; to > 0 && (names[to - 1] ?? '') > name; to--) names[to] = names[to - 1] ?? '';
    names[to] = name;
  }
  return names;
}

/** By the exact prototype: a subclass may have state that is not seen here. */
function encodeBuiltIn(value: object, prototype: unknown, part: Part, above: object[]): string {
  if (prototype === Date.prototype) {
    const date = value as Date;
    return Number.isNaN(date.getTime())
      ? throwUnsupported('is an invalid Date', part, above)
      : `date(${date.toISOString()})`;
  }
  if (prototype === Map.prototype) {
    const pairs = Array.from(value as Map<unknown, unknown>);
    const members = pairs.map(
      ([key, member]) => `${encodeAny(key, part, above)}:${encodeAny(member, part, above)}`,
    );
    return `map(${members.sort().join(',')})`;
  }
  if (prototype === Set.prototype) {
    const members = Array.from(value as Set<unknown>, (member) => encodeAny(member, part, above));
    return `set(${members.sort().join(',')})`;
  }
  if (isBytes(value, prototype))
    return `bytes(${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')})`;
  if (isPlainOfOtherRealm(prototype))
    return encodeMembers(value as Record<string, unknown>, part, above);
  return throwUnsupported(`is ${describeType(value)}`, part, above);
}

/**
 * Of any realm (test runners use vm contexts): `Array.prototype` is an array, one of a subclass
 * not.
 */
function isArrayPrototype(prototype: unknown): boolean {
  return prototype === Array.prototype || Array.isArray(prototype);
}

/** A Uint8Array of any realm or a Buffer, but not a subclass. */
function isBytes(value: object, prototype: unknown): value is Uint8Array {
  if (!ArrayBuffer.isView(value) || Object.prototype.toString.call(value) !== '[object Uint8Array]')
    return false;
  return Object.hasOwn(prototype as object, 'BYTES_PER_ELEMENT') || prototype === Buffer.prototype;
}

function isPlainOfOtherRealm(prototype: unknown): boolean {
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
  );
}

function throwUnsupported(problem: string, part: Part, chain: readonly unknown[]): never {
  throw new CacheKeyError(
    `${partText(part, chain)} ${problem}, which has no canonical text. ` +
      'Use strings, numbers, bigints, booleans, null, Date, Map, Set, Uint8Array, ' +
      'arrays and plain objects of these' +
      (part.kind === 'argument'
        ? ', or say what makes the key with @CacheKey((key, ...args) => ...).'
        : '.'),
  );
}

/** @param chain the objects from the part's value down to the unsupported one */
function partText(part: Part, chain: readonly unknown[]): string {
  let path = part.name;
  for (let i = 1; i < chain.length; i++) {
    const name = Object.entries(chain[i - 1] as object).find(([, member]) =>
      Object.is(member, chain[i]),
    )?.[0];
    if (name !== undefined) path += `.${name}`;
  }
  return `${part.kind} "${path}"`;
}
