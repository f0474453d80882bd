import { Buffer, isUtf8 } from 'node:buffer';
import type { Codec } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';
import { decoding, encoding, MAX_DEPTH, type Members } from './lossless.js';
import type { Note } from './type-annotations.js';
import { Plainer } from './json-plain.js';
import { restore } from './json-restore.js';

/**
 * The default codec: JSON that stays readable in the backend. A value of which JSON alone would lose something is written as plain JSON,
 * a line break, and a side note that says what the parts are:
 *
 *     {"id":7,"at":"2026-01-31T09:30:00.000Z","total":"12300"}
 *     {"at":"date","total":"bigint"}
 *
 * Keeps: plain objects (own `__proto__` keys too), arrays, strings (lone surrogates too), booleans, null, `undefined` (members too), all
 * numbers (NaN, infinities, -0), bigint up to 1,024 bytes, Date (invalid too), Map, Set, Buffer and Uint8Array, nested up to 500 levels.
 *
 * Comes back different, by rule: an object without prototype becomes a plain object; getters become data; an object referred to twice
 * becomes two. Not part of a value, as in `structuredClone`: symbol keys and members that are not enumerable; nor extra properties of arrays.
 * That holds for a `toJSON` among them too: what is kept is the data, not what `JSON.stringify` would make of it.
 *
 * Everything else is refused with a `CodecError` (`CACHE_CODEC`) that names the path: class instances, functions, symbols, cycles, holes in
 * arrays, other typed arrays, Error, RegExp, Promise.
 */
export const jsonCodec: Codec & { readonly text: NonNullable<Codec['text']> } = Object.freeze({
  id: 'json',
  encode: (value: unknown): Uint8Array => Buffer.from(encodeText(value), 'utf8'),
  decode: (bytes: Uint8Array): unknown => decodeText(toText(bytes)),
  text: Object.freeze({ encode: encodeText, decode: decodeText }),
});

function encodeText(value: unknown): string {
  return encoding('json', value, write);
}

function decodeText(text: string): unknown {
  return decoding('json', text, read);
}

function write(value: unknown): string {
  if (isPlain(value, 0)) return JSON.stringify(value);
  const plainer = new Plainer(value);
  const plain = JSON.stringify(plainer.plain(value, 0));
  return plainer.note === undefined ? plain : `${plain}\n${JSON.stringify(plainer.note)}`;
}

// JSON.stringify escapes every line break, so the first one is where the note begins.
function read(text: string): unknown {
  const end = text.indexOf('\n');
  if (end < 0) return JSON.parse(text) as unknown;
  return restore(
    JSON.parse(text.slice(0, end)) as unknown,
    JSON.parse(text.slice(end + 1)) as Note,
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

/** True when JSON alone keeps the value. On the path of every fill: one walk, nothing allocated. */
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
  // Inherited members show up only when Object.prototype was polluted; the careful walk that follows then decides.
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
