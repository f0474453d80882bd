import { Buffer } from 'node:buffer';
import { CodecError } from '../ports/errors.js';

/** The maximum depth of containers within containers. */
export const MAX_DEPTH = 500;

/**
 * The longest supported bigint: 8,192 bits. The time for reading one grows faster than its length.
 */
export const MAX_BIGINT_BYTES = 1_024;

const BIGINT_LIMIT = 1n << BigInt(MAX_BIGINT_BYTES * 8);
const MAX_PATH_LENGTH = 200;

export type SupportedType = 'object' | 'array' | 'date' | 'map' | 'set' | 'buffer' | 'bytes';
export type Members = Record<string, unknown>;

export function isBigintTooLong(value: bigint): boolean {
  return value >= BIGINT_LIMIT || value <= -BIGINT_LIMIT;
}

/**
 * The type that an object is encoded as; undefined when it is not supported. Subclasses are not,
 * because they would come back as their base. Plain objects and arrays of another realm (`node:vm`,
 * Jest) are, and come back as those of this realm.
 */
export function supportedTypeOf(value: object): SupportedType | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value))
    return prototype === Array.prototype || Array.isArray(prototype) ? 'array' : undefined;
  switch (prototype) {
    case Object.prototype:
    case null:
      return 'object';
    case Date.prototype:
      return 'date';
    case Map.prototype:
      return 'map';
    case Set.prototype:
      return 'set';
    case Buffer.prototype:
      return 'buffer';
    case Uint8Array.prototype:
      return 'bytes';
    default:
      return isForeignObject(prototype) ? 'object' : undefined;
  }
}

function isForeignObject(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  );
}

/**
 * Runs an encoder; whatever it throws (getters, proxies, strings beyond the engine's limit) becomes
 * the cause of a `CodecError`.
 */
export function wrapEncodeErrors<T>(
  codec: string,
  value: unknown,
  encode: (value: unknown) => T,
): T {
  try {
    return encode(value);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError(
      `The ${codec} codec could not encode the value: ${messageOf(error)}. ` +
        'Return plain data from the producer, without getters that throw.',
      { cause: error },
    );
  }
}

/** Runs a decoder; whatever it throws becomes the cause of a `CodecError`. */
export function wrapDecodeErrors<T, I>(codec: string, input: I, decode: (input: I) => T): T {
  try {
    return decode(input);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    // The engine's message may quote the stored value, so it is in the cause only.
    throw new CodecError(
      `The stored payload is not what the ${codec} codec writes. ` +
        'Delete the entry, or wait until it expires.',
      {
        cause: error,
      },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'a value that is not an Error was thrown';
}

/**
 * The error for a value with an unsupported part: searches for that part again, now with its path.
 */
export function unsupportedValueError(value: unknown): CodecError {
  const found =
    findUnsupported(value, 'value', 0, new Set()) ??
    'value changed while it was being encoded; return a value that does not change.';
  return new CodecError(`The value cannot be encoded losslessly: ${found}`);
}

function findUnsupported(
  value: unknown,
  path: string,
  depth: number,
  within: Set<object>,
): string | undefined {
  switch (typeof value) {
    case 'function':
      return `${shorten(path)} is a function; return data only, without methods.`;
    case 'symbol':
      return `${shorten(path)} is a symbol; use a string instead.`;
    case 'bigint':
      return isBigintTooLong(value)
        ? `${shorten(path)} is a bigint of more than ${String(MAX_BIGINT_BYTES)} bytes; ` +
            'store it as a string.'
        : undefined;
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (within.has(value))
    return `${shorten(path)} contains itself (a cycle); refer to it by an id instead.`;
  if (depth >= MAX_DEPTH)
    return `${shorten(path)} is nested deeper than ${String(MAX_DEPTH)} levels; flatten the value.`;
  within.add(value);
  const found = findInObject(value, path, depth, within);
  within.delete(value);
  return found;
}

function findInObject(
  value: object,
  path: string,
  depth: number,
  within: Set<object>,
): string | undefined {
  const find = (part: unknown, at: string): string | undefined =>
    findUnsupported(part, at, depth + 1, within);
  switch (supportedTypeOf(value)) {
    case undefined:
      return describeUnsupportedObject(value, shorten(path));
    case 'array':
      return findInArray(value as unknown[], path, find);
    case 'object':
      return first(Object.keys(value), (key) =>
        find((value as Members)[key], path + formatMember(key)),
      );
    case 'map':
      return first([...(value as Map<unknown, unknown>)], ([key, part], i) => {
        return find(key, `${path}(key ${String(i)})`) ?? find(part, `${path}(value ${String(i)})`);
      });
    case 'set':
      return first([...(value as Set<unknown>)], (part, i) =>
        find(part, `${path}(member ${String(i)})`),
      );
    default:
      return undefined;
  }
}

function findInArray(
  array: unknown[],
  path: string,
  find: (part: unknown, at: string) => string | undefined,
): string | undefined {
  for (let i = 0; i < array.length; i++) {
    const at = `${path}[${String(i)}]`;
    if (array[i] === undefined && !(i in array))
      return `${shorten(at)} is a hole; put undefined or null there.`;
    const found = find(array[i], at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function first<T>(
  items: readonly T[],
  find: (item: T, index: number) => string | undefined,
): string | undefined {
  for (let i = 0; i < items.length; i++) {
    const found = find(items[i] as T, i);
    if (found !== undefined) return found;
  }
  return undefined;
}

function describeUnsupportedObject(value: object, path: string): string {
  const supported =
    'supported are plain objects, arrays, Date, Map, Set, Buffer, Uint8Array and primitives';
  if (
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    value instanceof SharedArrayBuffer
  ) {
    return (
      `${path} is of type ${classOf(value)}, ${supported}; ` +
      'use a Uint8Array (or an array of numbers) instead.'
    );
  }
  if (value instanceof Promise) return `${path} is a Promise; await it first.`;
  if (value instanceof Error)
    return `${path} is an Error; throw it, or store its message as a string.`;
  if (value instanceof RegExp) return `${path} is a RegExp; store its source as a string.`;
  return (
    `${path} is an instance of the class ${classOf(value)}, ${supported}; turn it into one of ` +
    'these (for example { ...object }), or use a codec of your own.'
  );
}

function classOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const made: unknown =
    typeof prototype === 'object' && prototype !== null
      ? (prototype as { constructor?: unknown }).constructor
      : undefined;
  return typeof made === 'function' && made.name !== '' ? made.name : '(anonymous)';
}

function formatMember(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function shorten(path: string): string {
  return path.length <= MAX_PATH_LENGTH
    ? path
    : `${path.slice(0, MAX_PATH_LENGTH / 2)} ... ${path.slice(-MAX_PATH_LENGTH / 2)}`;
}
