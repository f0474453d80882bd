import { isUtf8 } from 'node:buffer';
import type { Payload } from '../../../ports/codec.js';
import type { Argument } from '../connection/client-adapter.js';

/** Where bytes that are no UTF-8 were read as text, this stands in their place. Text may also contain it by itself. */
const REPLACEMENT = '\uFFFD';
/** How much of a value is compared to tell it from another: the header of an envelope with its times fits. */
const PREFIX_BYTES = 128;

/** The text may not be what is stored, because what is stored may not be text. */
export function isTorn(text: string): boolean {
  return text.includes(REPLACEMENT);
}

/** Bytes that are text, as text. */
export function preferText<Stored extends Payload | undefined>(stored: Stored): Stored | string {
  if (!(stored instanceof Uint8Array) || !isUtf8(stored)) return stored;
  return Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('utf8');
}

export function toArgument(payload: Payload): Argument {
  return typeof payload === 'string' || Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** Length in bytes and first bytes of a stored value, as Redis sees them; -1 for none. */
export function fingerprint(payload: Payload | undefined): {
  readonly length: number;
  readonly prefix: Argument;
} {
  if (payload === undefined) return { length: -1, prefix: '' };
  if (typeof payload !== 'string') {
    return {
      length: payload.byteLength,
      prefix: Buffer.from(
        payload.buffer,
        payload.byteOffset,
        Math.min(payload.byteLength, PREFIX_BYTES),
      ),
    };
  }
  // each UTF-16 unit is at least one byte, so that many units suffice
  return {
    length: Buffer.byteLength(payload),
    prefix: Buffer.from(payload.slice(0, PREFIX_BYTES)).subarray(0, PREFIX_BYTES),
  };
}
