import { Encoder } from 'cbor-x';
import { cborCodec, jsonCodec } from 'nest-query-cache/codec';
import { measure, synchronous } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { row } from './row.mjs';

/** The codecs of the package against JSON to and from a Buffer. */
export async function run() {
  const rows = [];
  const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
  const codecs = {
    'JSON, Buffer': [
      (value) => Buffer.from(JSON.stringify(value)),
      (bytes) => JSON.parse(bytes.toString()),
    ],
    'JSON, text': [(value) => JSON.stringify(value), (text) => JSON.parse(text)],
    'json codec': [(value) => jsonCodec.text.encode(value), (text) => jsonCodec.text.decode(text)],
    'cbor codec': [(value) => cborCodec.encode(value), (bytes) => cborCodec.decode(bytes)],
    'cbor-x': [(value) => encoder.encode(value), (bytes) => encoder.decode(bytes)],
  };
  for (const [size, label] of [
    ['small', '200 B'],
    ['medium', '4 KB'],
    ['large', '110 KB'],
  ]) {
    const value = json[size];
    for (const [way, at] of [
      ['write', 0],
      ['read', 1],
    ]) {
      const cases = Object.entries(codecs).map(([name, both]) => {
        const encoded = both[0](value);
        return {
          name,
          loop: synchronous(),
          startN: 10,
          fn: at === 0 ? () => both[0](value) : () => both[1](encoded),
        };
      });
      const result = await measure(`codecs, ${way} ${label}`, cases, { sliceMs: 60 });
      rows.push(
        row(
          `cbor codec, ${way} ${label}`,
          '>= 0.6x of JSON and a Buffer',
          result.ratio('cbor codec', 'JSON, Buffer'),
          0.6,
          result,
          'cbor codec',
        ),
        row('', '(cbor-x)', result.ratio('cbor-x', 'JSON, Buffer')),
        row(
          `json codec, ${way} ${label}`,
          '(of `JSON`, text)',
          result.ratio('json codec', 'JSON, text'),
          undefined,
          result,
          'json codec',
        ),
      );
    }
  }
  return rows;
}
