import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CodecError } from '../../lib/ports/errors.js';

interface CborVector {
  readonly hex: string;
  readonly decoded?: unknown;
}

interface JsonSuite {
  readonly files: Readonly<Record<string, string>>;
}

const folder = process.env.OUTSIDE_FOLDER ?? '';
const CBOR = join(folder, 'cbor-appendix-a.json');
const JSON_SUITE = join(folder, 'json-test-suite.json');

describe('RFC 8949 appendix A', () => {
  it.runIf(existsSync(CBOR))('is read right wherever it has a JSON value', () => {
    const vectors = JSON.parse(readFileSync(CBOR, 'utf8')) as readonly CborVector[];
    const withValue = vectors.filter((vector) => 'decoded' in vector);
    const right = withValue.filter((vector) =>
      isRight(cborCodec.decode(Buffer.from(vector.hex, 'hex')), vector.decoded),
    );
    const others = vectors.filter((vector) => !('decoded' in vector));
    const refused = others
      .filter((vector) => throwsCodecError(() => cborCodec.decode(Buffer.from(vector.hex, 'hex'))))
      .map(({ hex }) => hex);
    console.log(
      `values right ${String(right.length)}/${String(withValue.length)}; of ${String(others.length)} without a JSON value refused: ${refused.join(' ')}`,
    );
    expect(right.length).toBe(withValue.length);
  });
});

describe('JSONTestSuite', () => {
  it.runIf(existsSync(JSON_SUITE))('is kept (y_), refused (n_), or either (i_)', () => {
    const { files } = JSON.parse(readFileSync(JSON_SUITE, 'utf8')) as JsonSuite;
    const counts = { y: 0, n: 0, i: 0 };
    for (const [name, base64] of Object.entries(files)) {
      const bytes = Buffer.from(base64, 'base64');
      const kind = name[0] as keyof typeof counts;
      counts[kind]++;
      if (kind === 'n') assert.throws(() => jsonCodec.decode(bytes), CodecError, name);
      else if (kind === 'i') throwsCodecError(() => jsonCodec.decode(bytes));
      else keepsInBoth(JSON.parse(bytes.toString('utf8')), name);
    }
    console.log(counts);
  });
});

function keepsInBoth(value: unknown, name: string): void {
  for (const codec of [jsonCodec, cborCodec])
    assert.deepEqual(codec.decode(codec.encode(value)), value, name);
}

/** The JSON file holds big integers as doubles, and has no -0. */
function isRight(decoded: unknown, expected: unknown): boolean {
  if (typeof decoded === 'bigint') return Number(decoded) === expected;
  if (typeof decoded === 'number') return decoded === expected;
  return JSON.stringify(decoded) === JSON.stringify(expected);
}

/** Any other error is thrown on. */
function throwsCodecError(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    assert.ok(error instanceof CodecError);
    return true;
  }
}
