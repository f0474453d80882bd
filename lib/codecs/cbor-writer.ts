import { Buffer } from 'node:buffer';
import { CodecError } from '../ports/errors.js';
import { MAJOR, MAX_ITEMS, TAG } from './cbor-format.js';
import {
  isBigintTooLong,
  supportedTypeOf,
  MAX_DEPTH,
  type Members,
  unsupportedValueError,
} from './lossless.js';
import { toWtf8 } from './wtf8.js';

const INITIAL_BYTES = 16_384;
/** The buffer capacity that is retained between values; a larger buffer is released. */
const MAX_RETAINED_BYTES = 262_144;
// Up to this length a loop over the characters is faster than a native call.
const MAX_LOOP_LENGTH = 24;
const MAX_HEAD_BYTES = 9;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Writes values as CBOR. */
export class CborWriter {
  private bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private view = viewOf(this.bytes);
  private end = 0;
  private items = 0;
  private root: unknown;

  /** A copy of the written bytes, so that a stored value does not retain spare capacity. */
  write(value: unknown): Uint8Array {
    this.end = this.items = 0;
    this.root = value;
    try {
      this.value(value, 0);
      return Buffer.from(this.bytes.subarray(0, this.end));
    } finally {
      this.root = undefined;
      if (this.bytes.length > MAX_RETAINED_BYTES)
        this.useBuffer(Buffer.allocUnsafeSlow(INITIAL_BYTES));
    }
  }

  private value(value: unknown, depth: number): void {
    this.reserve(MAX_HEAD_BYTES);
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
        return this.number(value);
      case 'boolean':
        return this.byte(value ? 0xf5 : 0xf4);
      case 'undefined':
        return this.byte(0xf7);
      case 'bigint':
        return this.bigint(value);
      case 'object':
        return value === null ? this.byte(0xf6) : this.object(value, depth);
      default:
        throw unsupportedValueError(this.root);
    }
  }

  private object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw unsupportedValueError(this.root);
    switch (supportedTypeOf(value)) {
      case 'object':
        return this.members(value as Members, depth + 1);
      case 'array':
        return this.array(value as unknown[], depth + 1);
      case 'date':
        return this.date((value as Date).getTime());
      case 'map':
        return this.map(value as Map<unknown, unknown>, depth + 1);
      case 'set':
        this.head(MAJOR.tag, TAG.set);
        return this.array(Array.from(value as Set<unknown>), depth + 1);
      case 'bytes':
        this.head(MAJOR.tag, TAG.bytes);
        return this.byteString(value as Uint8Array);
      case 'buffer':
        return this.byteString(value as Uint8Array);
      case undefined:
        throw unsupportedValueError(this.root);
    }
  }

  private members(object: Members, depth: number): void {
    const keys = Object.keys(object);
    this.count(2 * keys.length);
    this.head(MAJOR.map, keys.length);
    for (const key of keys) {
      this.reserve(MAX_HEAD_BYTES);
      this.text(key);
      this.value(object[key], depth);
    }
  }

  private array(array: readonly unknown[], depth: number): void {
    this.count(array.length);
    this.reserve(MAX_HEAD_BYTES);
    this.head(MAJOR.array, array.length);
    for (let i = 0; i < array.length; i++) {
      const part = array[i];
      if (part === undefined && !(i in array)) throw unsupportedValueError(this.root);
      this.value(part, depth);
    }
  }

  private map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.count(2 * map.size);
    this.head(MAJOR.tag, TAG.map);
    this.reserve(MAX_HEAD_BYTES);
    this.head(MAJOR.map, map.size);
    for (const [key, part] of map) {
      this.value(key, depth);
      this.value(part, depth);
    }
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return value < 0 ? this.head(MAJOR.negative, -1 - value) : this.head(MAJOR.unsigned, value);
    }
    if (value !== value) return this.half(0x7e00);
    this.byte(0xfb);
    this.view.setFloat64(this.end, value);
    this.end += 8;
  }

  private half(bits: number): void {
    this.byte(0xf9);
    this.view.setUint16(this.end, bits);
    this.end += 2;
  }

  private bigint(value: bigint): void {
    if (isBigintTooLong(value)) throw unsupportedValueError(this.root);
    this.head(MAJOR.tag, value < 0n ? TAG.negativeBignum : TAG.bignum);
    const hex = (value < 0n ? -1n - value : value).toString(16);
    this.byteString(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
  }

  private date(ms: number): void {
    const seconds = ms / 1_000;
    if (Number.isNaN(ms) || Math.round(seconds * 1_000) === ms) {
      this.head(MAJOR.tag, TAG.epoch);
      this.reserve(MAX_HEAD_BYTES);
      return this.number(seconds);
    }
    const whole = Math.floor(seconds);
    this.head(MAJOR.tag, TAG.extendedTime);
    this.reserve(4 * MAX_HEAD_BYTES);
    this.head(MAJOR.map, 2);
    this.number(1);
    this.number(whole);
    this.number(-3);
    this.number(ms - whole * 1_000);
  }

  private byteString(value: Uint8Array): void {
    this.reserve(MAX_HEAD_BYTES + value.length);
    this.head(MAJOR.bytes, value.length);
    this.bytes.set(value, this.end);
    this.end += value.length;
  }

  private text(text: string): void {
    const length = text.length;
    if (length > MAX_LOOP_LENGTH || !this.shortAscii(text, length)) this.longText(text, length);
  }

  /**
   * False, with nothing written, when the string is not ASCII. Needs `MAX_LOOP_LENGTH` to stay at
   * most 24, so that the head has at most two bytes.
   */
  private shortAscii(text: string, length: number): boolean {
    this.reserve(length + 2);
    const bytes = this.bytes;
    let at = this.end + (length < 24 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    this.head(MAJOR.text, length);
    this.end = at;
    return true;
  }

  private longText(text: string, length: number): void {
    this.reserve(MAX_HEAD_BYTES + 3 * length);
    // Written to its final position if it is ASCII; moved if its head turns out to be longer.
    const start = this.end;
    const guess = start + headBytes(length);
    const written = this.bytes.write(text, guess, 'utf8');
    if (written !== length && LONE_SURROGATE.test(text)) {
      this.head(MAJOR.tag, TAG.wtf8);
      return this.byteString(toWtf8(text));
    }
    const at = start + headBytes(written);
    if (at !== guess) this.bytes.copyWithin(at, guess, guess + written);
    this.head(MAJOR.text, written);
    this.end = at + written;
  }

  private head(major: number, n: number): void {
    const first = major << 5;
    if (n < 24) return this.byte(first | n);
    if (n < 0x100) {
      this.byte(first | 24);
      return this.byte(n);
    }
    if (n < 0x10000) {
      this.byte(first | 25);
      this.view.setUint16(this.end, n);
      this.end += 2;
    } else if (n < 0x100000000) {
      this.byte(first | 26);
      this.view.setUint32(this.end, n);
      this.end += 4;
    } else {
      this.byte(first | 27);
      this.view.setUint32(this.end, Math.floor(n / 0x100000000));
      this.view.setUint32(this.end + 4, n % 0x100000000);
      this.end += 8;
    }
  }

  private byte(byte: number): void {
    this.bytes[this.end++] = byte;
  }

  private count(items: number): void {
    this.items += items;
    if (this.items > MAX_ITEMS) {
      throw new CodecError(
        `The value cannot be encoded as CBOR: it has more than ${String(MAX_ITEMS)} members and ` +
          'items; store less in one entry, or pack numbers into a Uint8Array.',
      );
    }
  }

  private reserve(more: number): void {
    const needed = this.end + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(grown, 0, 0, this.end);
    this.useBuffer(grown);
  }

  private useBuffer(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function headBytes(n: number): number {
  if (n < 24) return 1;
  if (n < 0x100) return 2;
  return n < 0x10000 ? 3 : n < 0x100000000 ? 5 : 9;
}
