import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { envelope } from '../../lib/codecs/envelope.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { GOLDEN_HEADERS, GOLDEN_VALUES } from './entries.js';

const FOLDER = new URL('v1/', import.meta.url);
const CODECS = [
  { codec: jsonCodec, encode: jsonCodec.text.encode, extension: 'txt' },
  { codec: cborCodec, encode: cborCodec.encode, extension: 'bin' },
];
const CASES = CODECS.flatMap(({ codec, encode, extension }) =>
  Object.entries(GOLDEN_VALUES).map(([name, value], i) => {
    const header = GOLDEN_HEADERS[i % GOLDEN_HEADERS.length];
    return { file: `${codec.id}-${name}.${extension}`, codec, encode, value, header };
  }),
);

// What a released version wrote is read for ever: these files are never written again, only added
// to.
describe('entries stored by version 1', () => {
  it.each(CASES)(
    '$file is read as it was written, and written as it was',
    ({ file, codec, encode, value, header }) => {
      assert.ok(header);
      const entry = { ...header, codec: codec.id, body: encode(value) };
      const packed = envelope.pack(entry);
      const path = new URL(file, FOLDER);
      if (process.env.GOLDEN_WRITE === '1') writeFileSync(path, packed, { flag: 'wx' });
      const stored = readFileSync(path);

      const read = envelope.unpack(stored);
      const body =
        typeof read.body === 'string' ? jsonCodec.text.decode(read.body) : codec.decode(read.body);
      assert.deepEqual(body, value);
      assert.deepEqual({ ...read, body: '' }, { ...entry, body: '' });
      expect(Buffer.from(packed).equals(stored)).toBe(true);
    },
  );

  it('are all here and all read', () => {
    expect(readdirSync(FOLDER).sort()).toStrictEqual(CASES.map(({ file }) => file).sort());
  });
});
