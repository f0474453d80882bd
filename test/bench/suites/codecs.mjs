import { Encoder } from 'cbor-x';
import { cborCodec, jsonCodec } from 'nest-query-cache/codec';
import { compare, synchronous } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
const CODECS = {
  'JSON, Buffer': {
    write: (value) => Buffer.from(JSON.stringify(value)),
    read: (bytes) => JSON.parse(bytes.toString()),
  },
  'JSON, string': { write: (value) => JSON.stringify(value), read: (text) => JSON.parse(text) },
  'json codec': { write: jsonCodec.text.encode, read: jsonCodec.text.decode },
  'cbor codec': { write: cborCodec.encode, read: cborCodec.decode },
  'cbor-x': { write: (value) => encoder.encode(value), read: (bytes) => encoder.decode(bytes) },
};

/** The codecs of the package against JSON to and from a Buffer, and to and from a string. */
const codec = (way, size, label) => async () => {
  const value = json[size];
  const cases = Object.entries(CODECS).map(([name, { write, read }]) => {
    const encoded = write(value);
    const fn = way === 'write' ? () => write(value) : () => read(encoded);
    return { name, loop: synchronous(), fn };
  });
  const quick = { pairs: 9, sliceMs: 30, warmMs: 150 };
  const result = await compare(`codecs, ${way} ${label}`, cases, quick);
  return [
    ratioRow(
      `cbor codec, ${way} ${label}`,
      '>= 0.6x of JSON and a Buffer',
      await result.ratio('cbor codec', 'JSON, Buffer'),
      0.6,
      result.perSecond('cbor codec'),
    ),
    ratioRow('', '(cbor-x)', await result.ratio('cbor-x', 'JSON, Buffer')),
    ratioRow(
      `json codec, ${way} ${label}`,
      '(of `JSON`, a string)',
      await result.ratio('json codec', 'JSON, string'),
      undefined,
      result.perSecond('json codec'),
    ),
  ];
};

export const rows = {
  'codec-write-200b': codec('write', 'small', '200 B'),
  'codec-read-200b': codec('read', 'small', '200 B'),
  'codec-write-4kb': codec('write', 'medium', '4 KB'),
  'codec-read-4kb': codec('read', 'medium', '4 KB'),
  'codec-write-110kb': codec('write', 'large', '110 KB'),
  'codec-read-110kb': codec('read', 'large', '110 KB'),
};
