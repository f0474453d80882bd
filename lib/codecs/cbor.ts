import type { Codec } from '../ports/codec.js';
import { CborReader } from './cbor-reader.js';
import { CborWriter } from './cbor-writer.js';
import { wrapDecodeErrors, wrapEncodeErrors } from './lossless.js';

/**
 * Binary and compact: CBOR (RFC 8949) with registered tags only, readable by any CBOR reader.
 * Supports exactly the types of `jsonCodec`, with the same shapes and errors; in addition it
 * rejects values of more than 4,000,000 members and items.
 *
 * A Buffer is a byte string, a Uint8Array has tag 64, a Map 259, a Set 258, a Date 1 (or 1001), a
 * bigint 2 or 3. Output of other writers is read too (shorter floats, indefinite lengths), as long
 * as it has only these types.
 */
export const cborCodec: Codec = Object.freeze({
  id: 'cbor',
  encode: (value: unknown): Uint8Array => wrapEncodeErrors('cbor', value, write),
  decode: (bytes: Uint8Array): unknown => wrapDecodeErrors('cbor', bytes, read),
});

/**
 * A pool of one object, so that the code optimized for it is not discarded with every garbage
 * collection. While the object is in use (a getter of a value may encode another value), `use`
 * makes a new one.
 */
class Pool<T> {
  #pooled: T | undefined;

  constructor(private readonly make: () => T) {}

  use<R>(task: (object: T) => R): R {
    const object = this.#pooled ?? this.make();
    this.#pooled = undefined;
    try {
      return task(object);
    } finally {
      this.#pooled = object;
    }
  }
}

const writers = new Pool(() => new CborWriter());
const readers = new Pool(() => new CborReader());

function write(value: unknown): Uint8Array {
  return writers.use((writer) => writer.write(value));
}

function read(bytes: Uint8Array): unknown {
  return readers.use((reader) => reader.read(bytes));
}
