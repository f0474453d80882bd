import type { Codec } from '../ports/codec.js';
import { CborReader } from './cbor-reader.js';
import { CborWriter } from './cbor-writer.js';
import { decoding, encoding } from './lossless.js';

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

/**
 * Lends out one thing again and again, so that the engine keeps what it has learnt about it: with a new one for each value all of that would be
 * gone after every garbage collection. A getter of a value may encode another value meanwhile, which then gets a new one.
 */
class Spare<T> {
  #one: T | undefined;

  constructor(private readonly make: () => T) {}

  use<R>(task: (one: T) => R): R {
    const one = this.#one ?? this.make();
    this.#one = undefined;
    try {
      return task(one);
    } finally {
      this.#one = one;
    }
  }
}

const writers = new Spare(() => new CborWriter());
const readers = new Spare(() => new CborReader());

function write(value: unknown): Uint8Array {
  return writers.use((writer) => writer.write(value));
}

function read(bytes: Uint8Array): unknown {
  return readers.use((reader) => reader.read(bytes));
}
