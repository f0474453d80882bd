import { Buffer } from 'node:buffer';
import { MAJOR, INDEFINITE_ITEM_WEIGHT, CHUNK_WEIGHT, TAG } from './cbor-format.js';
import { KeyCache } from './cbor-keys.js';
import { corrupt, countKeys, dateOf, halfToNumber, strictText } from './cbor-scalars.js';
import { BREAK, CborSource, INDEFINITE } from './cbor-source.js';
import { MAX_BIGINT_BYTES, type Members } from './lossless.js';
import { fromWtf8 } from './wtf8.js';

const MAX_LOOP_LENGTH = 15;

/**
 * Reads values from CBOR. Every length is compared with the remaining bytes before anything is
 * allocated; depth, items and bignums are bounded, and unknown tags are rejected. So hostile bytes
 * cost no more than reading them.
 */
export class CborReader extends CborSource {
  private readonly keys = new KeyCache();

  read(bytes: Uint8Array): unknown {
    this.open(bytes);
    try {
      const value = this.value(0);
      if (this.at !== this.bytes.length) throw corrupt('bytes follow the value');
      return value;
    } finally {
      this.close();
    }
  }

  private value(depth: number): unknown {
    const first = this.byte();
    const info = first & 0x1f;
    switch (first >> 5) {
      case MAJOR.unsigned:
        return info < 24 ? info : this.integer(info);
      case MAJOR.negative:
        return this.negative(info);
      case MAJOR.bytes:
        return Buffer.from(this.byteString(info));
      case MAJOR.text:
        return this.text(info);
      case MAJOR.array:
        return this.array(info, depth + 1);
      case MAJOR.map:
        return this.object(info, depth + 1);
      case MAJOR.tag:
        return this.tagged(this.length(info), depth);
      default:
        return this.simple(info);
    }
  }

  private simple(info: number): unknown {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return halfToNumber(this.view.getUint16(this.advance(2)));
      case 26:
        return this.view.getFloat32(this.advance(4));
      case 27:
        return this.view.getFloat64(this.advance(8));
      default:
        throw corrupt(`the simple value or break ${String(info)} is not expected here`);
    }
  }

  private negative(info: number): number | bigint {
    const n = this.integer(info);
    if (typeof n === 'bigint') return -1n - n;
    return n === Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n;
  }

  private byteString(info: number): Buffer {
    if (info === INDEFINITE) return Buffer.concat(this.chunks(MAJOR.bytes));
    const length = this.length(info);
    const at = this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  private text(info: number): string {
    if (info === INDEFINITE)
      return this.chunks(MAJOR.text)
        .map((chunk) => strictText(chunk, 0, chunk.length))
        .join('');
    const length = this.length(info);
    const at = this.advance(length);
    return (
      (length <= MAX_LOOP_LENGTH ? this.shortText(at, length) : undefined) ??
      strictText(this.bytes, at, at + length)
    );
  }

  /** Undefined when the string is not ASCII. */
  private shortText(at: number, length: number): string | undefined {
    const bytes = this.bytes;
    let text = '';
    for (let i = at; i < at + length; i++) {
      const code = bytes[i] ?? 0;
      if (code > 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    return text;
  }

  private chunks(major: number): Buffer[] {
    const chunks: Buffer[] = [];
    while (!this.atBreak()) {
      const first = this.byte();
      if (first >> 5 !== major || (first & 0x1f) === INDEFINITE)
        throw corrupt('a string of indefinite length has an invalid chunk');
      this.count(CHUNK_WEIGHT);
      chunks.push(this.byteString(first & 0x1f));
    }
    return chunks;
  }

  private array(info: number, depth: number): unknown[] {
    const items: unknown[] = [];
    this.descend(depth);
    if (info === INDEFINITE) {
      for (; !this.atBreak(); items.push(this.value(depth))) this.count(INDEFINITE_ITEM_WEIGHT);
      return items;
    }
    const length = this.length(info);
    this.expect(length);
    for (let i = 0; i < length; i++) items.push(this.value(depth));
    return items;
  }

  private object(info: number, depth: number): Members {
    const object: Members = {};
    this.descend(depth);
    let length = 0;
    if (info === INDEFINITE) {
      for (; !this.atBreak(); length++) {
        this.count(2 * INDEFINITE_ITEM_WEIGHT);
        this.member(object, depth);
      }
    } else {
      length = this.length(info);
      this.expect(2 * length);
      for (let i = 0; i < length; i++) this.member(object, depth);
    }
    if (countKeys(object) !== length) throw corrupt('a key occurs twice');
    return object;
  }

  private member(object: Members, depth: number): void {
    const key = this.key();
    const value = this.value(depth);
    if (key === '__proto__')
      Object.defineProperty(object, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else object[key] = value;
  }

  private key(): string {
    const first = this.byte();
    const info = first & 0x1f;
    if (first >> 5 === MAJOR.text) {
      if (info >= 24) return this.text(info);
      return (
        this.keys.read(this.bytes, this.advance(info), info) ??
        strictText(this.bytes, this.at - info, this.at)
      );
    }
    if (first >> 5 !== MAJOR.tag || this.length(info) !== TAG.wtf8)
      throw corrupt('a key of a plain object is not a string');
    return this.wtf8();
  }

  private tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG.epoch:
        return dateOf(Math.round(this.plainNumber() * 1_000));
      case TAG.extendedTime:
        return this.extendedTime();
      case TAG.bignum:
        return this.bignum();
      case TAG.negativeBignum:
        return -1n - this.bignum();
      case TAG.bytes:
        return new Uint8Array(this.byteString(this.expectMajor(MAJOR.bytes)));
      case TAG.wtf8:
        return this.wtf8();
      case TAG.set:
        return this.set(this.array(this.expectMajor(MAJOR.array), depth + 1));
      case TAG.map:
        return this.map(this.expectMajor(MAJOR.map), depth + 1);
      default:
        throw corrupt(`tag ${String(tag)} is not one that the codec writes`);
    }
  }

  private set(members: readonly unknown[]): Set<unknown> {
    const set = new Set(members);
    if (set.size !== members.length) throw corrupt('a member of a set occurs twice');
    return set;
  }

  private map(info: number, depth: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    const length = this.length(info);
    this.descend(depth);
    this.expect(2 * length);
    for (let i = 0; i < length; i++) {
      const key = this.value(depth);
      map.set(key, this.value(depth));
    }
    if (map.size !== length) throw corrupt('a key occurs twice');
    return map;
  }

  private bignum(): bigint {
    const bytes = this.byteString(this.expectMajor(MAJOR.bytes));
    if (bytes.length > MAX_BIGINT_BYTES) throw corrupt('a bigint is too long');
    return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
  }

  private extendedTime(): Date {
    const start = this.at;
    const parts =
      this.byte() === 0xa2
        ? [this.plainNumber(), this.plainNumber(), this.plainNumber(), this.plainNumber()]
        : [];
    const [one, seconds = NaN, milli, ms = NaN] = parts;
    const time = seconds * 1_000 + ms;
    if (one !== 1 || milli !== -3 || !Number.isSafeInteger(time))
      throw corrupt(`the date at byte ${String(start)} is malformed`);
    return dateOf(time);
  }

  private plainNumber(): number {
    const major = (this.bytes[this.at] ?? BREAK) >> 5;
    const value =
      major === MAJOR.unsigned || major === MAJOR.negative || major === MAJOR.simple
        ? this.value(0)
        : undefined;
    if (typeof value !== 'number') throw corrupt('a date is not a number');
    return value;
  }

  private wtf8(): string {
    const text = fromWtf8(this.byteString(this.expectMajor(MAJOR.bytes)));
    if (text === undefined) throw corrupt('a string with lone surrogates is malformed');
    return text;
  }

  private expectMajor(major: number): number {
    const first = this.byte();
    if (first >> 5 !== major) throw corrupt('the item after a tag has the wrong type');
    return first & 0x1f;
  }
}
