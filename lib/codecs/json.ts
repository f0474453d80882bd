import { Buffer, isUtf8 } from 'node:buffer';
import type { Codec } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';
import { wrapDecodeErrors, wrapEncodeErrors, MAX_DEPTH, type Members } from './lossless.js';
import type { Annotation } from './type-annotations.js';
import { JsonEncoder } from './json-encoder.js';
import { restore } from './json-decoder.js';

/**
 * The default codec: JSON that is readable in the backend. If plain JSON would lose something, the
 * value is written as plain JSON, a line break, and annotations with the types of its parts:
 *
 *     {"id":7,"at":"2026-01-31T09:30:00.000Z","total":"12300"}
 *     {"at":"date","total":"bigint"}
 *
 * Supports plain objects (own `__proto__` keys too), arrays, strings (lone surrogates too),
 * booleans, null, `undefined` (as a member too), all numbers (NaN, infinities, -0), bigint up to
 * 1,024 bytes, Date (invalid too), Map, Set, Buffer and Uint8Array, nested up to 500 levels.
 *
 * By rule these come back different: an object without prototype becomes a plain object; getters
 * become data; an object that is referred to twice becomes two. As for `structuredClone`, symbol
 * keys, members that are not enumerable (a `toJSON` among them too: the data is stored, not what
 * `JSON.stringify` would make of it) and extra properties of arrays are not part of a value.
 *
 * Everything else is rejected with a `CodecError` (`CACHE_CODEC`) that names the path: class
 * instances, functions, symbols, cycles, holes in arrays, other typed arrays, Error, RegExp,
 * Promise.
 */
export const jsonCodec: Codec & { readonly text: NonNullable<Codec['text']> } = Object.freeze({
  id: 'json',
  encode: (value: unknown): Uint8Array => Buffer.from(encodeText(value), 'utf8'),
  decode: (bytes: Uint8Array): unknown => decodeText(toText(bytes)),
  text: Object.freeze({ encode: encodeText, decode: decodeText }),
});

function encodeText(value: unknown): string {
  return wrapEncodeErrors('json', value, write);
}

function decodeText(text: string): unknown {
  return wrapDecodeErrors('json', text, read);
}

function write(value: unknown): string {
  if (isPlain(value, 0)) return JSON.stringify(value);
  const encoder = new JsonEncoder(value);
  const json = JSON.stringify(encoder.encode(value, 0));
  return encoder.annotation === undefined ? json : `${json}\n${JSON.stringify(encoder.annotation)}`;
}

// JSON.stringify escapes every line break, so the annotation begins after the first one.
function read(text: string): unknown {
  const end = text.indexOf('\n');
  if (end < 0) return JSON.parse(text) as unknown;
  return restore(
    JSON.parse(text.slice(0, end)) as unknown,
    JSON.parse(text.slice(end + 1)) as Annotation,
    0,
  );
}

function toText(bytes: Uint8Array): string {
  if (!isUtf8(bytes))
    throw new CodecError(
      'The stored bytes are not what the json codec writes: they are not UTF-8. Delete the entry.',
    );
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Whether plain JSON keeps the value. Every fill calls it: one walk, nothing allocated. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return isPlainNumber(value);
  if (typeof value !== 'object' || depth >= MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((value as { readonly toJSON?: unknown }).toJSON !== undefined) return false;
  if (prototype === Object.prototype || prototype === null)
    return hasPlainMembers(value as Members, depth);
  return prototype === Array.prototype && Array.isArray(value) && hasPlainItems(value, depth);
}

function hasPlainMembers(object: Members, depth: number): boolean {
  // Inherited members appear only if Object.prototype was polluted; then JsonEncoder decides.
  for (const key in object) {
    const part = object[key];
    if (typeof part !== 'string' && !isPlain(part, depth + 1)) return false;
  }
  return true;
}

function hasPlainItems(array: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    const part = array[i];
    if (typeof part !== 'string' && !isPlain(part, depth + 1)) return false;
  }
  return true;
}

function isPlainNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0;
}
