import { type Buffer, isUtf8 } from 'node:buffer';
import { CodecError } from '../ports/errors.js';

const MAX_DATE_MS = 8.64e15;
const REPLACEMENT = '\ufffd';

export function corrupt(why: string): CodecError {
  return new CodecError(
    `The stored bytes are not what the cbor codec writes: ${why}. ` +
      'Delete the entry, or wait until it expires.',
  );
}

/**
 * Decoding replaces invalid UTF-8 silently, so only a string with a replacement character needs the
 * check.
 */
export function strictText(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(from, to)))
    throw corrupt('a string is not UTF-8');
  return text;
}

/** IEEE 754 half precision (RFC 8949 appendix D). */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1_024 + fraction) * 2 ** (exponent - 25);
}

export function dateOf(ms: number): Date {
  if (Math.abs(ms) > MAX_DATE_MS) throw corrupt('a date is out of range');
  return new Date(ms);
}

/** Counts without making an array: objects of one shape share what `for in` iterates. */
export function countKeys(object: Readonly<Record<string, unknown>>): number {
  let keys = 0;
  for (const key in object) if (Object.hasOwn(object, key)) keys++;
  return keys;
}
