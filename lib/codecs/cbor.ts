import type { Codec } from '../ports/codec.js';
import { CborReader } from './cbor-reader.js';
import { CborWriter } from './cbor-writer.js';
import { decoding, encoding } from './faithful.js';

/**
 * Binary and compact: CBOR (RFC 8949), with registered tags only, readable by any CBOR reader. Keeps and refuses just what `jsonCodec`
 * does, with the same shapes and error texts; beyond that it refuses values of more than 4,000,000 members and items.
 *
 * A Buffer is a byte string, a Uint8Array has tag 64, a Map 259, a Set 258, a Date 1 (or 1001), a bigint 2 or 3.
 *
 * Reads what other writers make too (shorter floats, indefinite lengths), as long as it stays within these types.
 */
export const cborCodec: Codec = Object.freeze({
  id: 'cbor',
  encode: (value: unknown): Uint8Array => encoding('cbor', value, write),
  decode: (bytes: Uint8Array): unknown => decoding('cbor', bytes, read),
});

function write(value: unknown): Uint8Array {
  return new CborWriter(value).finish();
}

function read(bytes: Uint8Array): unknown {
  return new CborReader(bytes).finish();
}
