import { Buffer } from 'node:buffer';
import { MAX_ITEMS } from './cbor-format.js';
import { corrupt } from './cbor-scalars.js';
import { MAX_DEPTH } from './lossless.js';

/** In place of a length: the items up to a `BREAK`. */
export const INDEFINITE = 31;
export const BREAK = 0xff;

const NOTHING = Buffer.alloc(0);
const NO_VIEW = new DataView(NOTHING.buffer);

/** The bytes and the place in them, with every bound that reading has to keep. */
export abstract class CborSource {
  protected bytes: Buffer = NOTHING;
  protected view: DataView = NO_VIEW;
  protected at = 0;
  private items = 0;

  protected open(bytes: Uint8Array): void {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = this.items = 0;
  }

  /** So that what was read is not held. */
  protected close(): void {
    this.bytes = NOTHING;
    this.view = NO_VIEW;
  }

  /** What follows the first byte: up to 2^53 as a number, above that as a bigint. */
  protected integer(info: number): number | bigint {
    switch (info) {
      case 24:
        return this.byte();
      case 25:
        return this.view.getUint16(this.take(2));
      case 26:
        return this.view.getUint32(this.take(4));
      case 27: {
        const at = this.take(8);
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
    if (typeof n === 'bigint') throw corrupt('a length is greater than the bytes that are there');
    return n;
  }

  protected atBreak(): boolean {
    if (this.bytes[this.at] !== BREAK) return false;
    this.at++;
    return true;
  }

  protected byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw corrupt('they end early');
    this.at++;
    return byte;
  }

  protected take(length: number): number {
    const at = this.at;
    if (length > this.bytes.length - at) throw corrupt('they end early');
    this.at = at + length;
    return at;
  }

  protected descend(depth: number): void {
    if (depth > MAX_DEPTH) throw corrupt('they are nested too deep');
  }

  /** Every item takes at least one byte. */
  protected expect(items: number): void {
    if (items > this.bytes.length - this.at) throw corrupt('they end early');
    this.count(items);
  }

  protected count(items: number): void {
    this.items += items;
    if (this.items > MAX_ITEMS) throw corrupt('they hold too many items');
  }
}
