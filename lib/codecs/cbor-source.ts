import { Buffer } from 'node:buffer';
import { MAX_ITEMS } from './cbor-format.js';
import { corrupt } from './cbor-scalars.js';
import { MAX_DEPTH } from './lossless.js';

/** Instead of a length: the items up to a `BREAK` follow. */
export const INDEFINITE = 31;
export const BREAK = 0xff;

const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** The bytes to read and the position in them; enforces every bound of reading. */
export abstract class CborSource {
  protected bytes: Buffer = NO_BYTES;
  protected view: DataView = NO_VIEW;
  protected at = 0;
  private items = 0;

  protected open(bytes: Uint8Array): void {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = this.items = 0;
  }

  /** Releases the bytes. */
  protected close(): void {
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
  }

  /** The argument of an item: up to 2^53 as a number, above that as a bigint. */
  protected integer(info: number): number | bigint {
    switch (info) {
      case 24:
        return this.byte();
      case 25:
        return this.view.getUint16(this.advance(2));
      case 26:
        return this.view.getUint32(this.advance(4));
      case 27: {
        const at = this.advance(8);
        const high = this.view.getUint32(at);
        return high < 0x200000
          ? high * 0x100000000 + this.view.getUint32(at + 4)
          : this.view.getBigUint64(at);
      }
      default:
        if (info < 24) return info;
        throw corrupt('a number or length of this form is not expected here');
    }
  }

  protected length(info: number): number {
    const n = info < 24 ? info : this.integer(info);
    if (typeof n === 'bigint') throw corrupt('a length exceeds the remaining bytes');
    return n;
  }

  protected atBreak(): boolean {
    if (this.bytes[this.at] !== BREAK) return false;
    this.at++;
    return true;
  }

  protected byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw corrupt('they end too early');
    this.at++;
    return byte;
  }

  protected advance(length: number): number {
    const at = this.at;
    if (length > this.bytes.length - at) throw corrupt('they end too early');
    this.at = at + length;
    return at;
  }

  protected descend(depth: number): void {
    if (depth > MAX_DEPTH) throw corrupt('they are nested too deeply');
  }

  /** Checks a declared number of items: each takes at least one byte. */
  protected expect(items: number): void {
    if (items > this.bytes.length - this.at) throw corrupt('they end too early');
    this.count(items);
  }

  protected count(items: number): void {
    this.items += items;
    if (this.items > MAX_ITEMS) throw corrupt('they have too many items');
  }
}
