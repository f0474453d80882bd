import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CodecError } from '../../lib/ports/errors.js';
import { oracle } from './cbor-oracle.js';
import { values } from './values.js';

// assert.deepEqual of node:assert/strict compares prototypes, -0, undefined members and the order
// of nothing but arrays.
const RUNS = { numRuns: 500 };

describe('any value of the supported types', () => {
  it('decodes every value from JSON as it was, through text and through bytes', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(jsonCodec.text.decode(jsonCodec.text.encode(value)), value);
        assert.deepEqual(jsonCodec.decode(jsonCodec.encode(value)), value);
      }),
      RUNS,
    );
  });

  it('decodes every value from CBOR as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(cborCodec.decode(cborCodec.encode(value)), value);
      }),
      RUNS,
    );
  });

  it('preserves the order of members, pairs and keys in both codecs', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.equal(orderOf(jsonCodec.decode(jsonCodec.encode(value))), orderOf(value));
        assert.equal(orderOf(cborCodec.decode(cborCodec.encode(value))), orderOf(value));
      }),
      RUNS,
    );
  });

  it('encodes a decoded value to the same bytes again', () => {
    fc.assert(
      fc.property(values, (value) => {
        for (const codec of [jsonCodec, cborCodec]) {
          const bytes = Buffer.from(codec.encode(value));
          assert.ok(Buffer.from(codec.encode(codec.decode(bytes))).equals(bytes));
        }
      }),
      RUNS,
    );
  });

  it('exchanges values with the cbor package in both directions', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(oracle.decode(cborCodec.encode(value)), value);
        assert.deepEqual(cborCodec.decode(oracle.encode(value)), value);
      }),
      { numRuns: 300 },
    );
  });
});

describe('arbitrary bytes', () => {
  it('decodes arbitrary bytes to a value or a CodecError, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const codec of [jsonCodec, cborCodec])
          expectValueOrCodecError(() => codec.decode(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('decodes damaged bytes to a value or a CodecError, never another error', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(255), (value, at, byte) => {
        for (const codec of [jsonCodec, cborCodec]) {
          const bytes = Buffer.from(codec.encode(value));
          bytes[at % bytes.length] = byte;
          expectValueOrCodecError(() => codec.decode(bytes));
        }
      }),
      { numRuns: 800 },
    );
  });
});

function expectValueOrCodecError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error));
  }
}

function orderOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return '';
  if (value instanceof Map || value instanceof Set) return orderOf([...value]);
  return Object.entries(value)
    .map(([key, part]) => `${JSON.stringify(key)}(${orderOf(part)})`)
    .join();
}
