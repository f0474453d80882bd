import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { checkStored } from '../../lib/http/check-stored.js';
import { ResponseCodecs, responseCodec } from '../../lib/http/response-codec.js';
import { CodecError } from '../../lib/ports/errors.js';

const RESPONSE = {
  kind: 'response',
  status: 200,
  headers: [['x-a', 'b']],
  body: '{"a":1}',
  json: true,
  etag: 'W/"1"',
  storedAt: 1,
  initialAge: 0,
  freshMs: 60_000,
  staleMs: 0,
  fallbackMs: 0,
} as const;
const VARY = { kind: 'vary', names: ['accept-language'], generation: 'g1' } as const;

const response = (members: object): object => ({ ...RESPONSE, ...members });
const vary = (members: object): object => ({ ...VARY, ...members });

const MALFORMED: [what: string, value: unknown][] = [
  ['null', null],
  ['a list', []],
  ['an object without a kind', {}],
  ['another kind', { kind: 'unshared', reason: 'private' }],
  ['a response without anything', { kind: 'response' }],
  ...[0, 101, 199, 206, 304, 600, 200.5, '200', null, undefined].map(
    (status): [string, unknown] => [`status ${String(status)}`, response({ status })],
  ),
  ['headers null', response({ headers: null })],
  ['headers that are an object', response({ headers: { 'x-a': 'b' } })],
  ['a header without a value', response({ headers: [['x-a']] })],
  ['a header with a line break', response({ headers: [['x-a', 'b\r\nc']] })],
  ['a header with a character beyond Latin-1', response({ headers: [['x-a', '\u0100']] })],
  ['a name with a space', response({ headers: [['x a', 'b']] })],
  ['an empty name', response({ headers: [['', 'b']] })],
  ['Set-Cookie', response({ headers: [['set-cookie', 'a=b']] })],
  ['a header of one connection', response({ headers: [['transfer-encoding', 'chunked']] })],
  ['too many headers', response({ headers: Array.from({ length: 1_001 }, () => ['x-a', 'b']) })],
  ['removed names that are none', response({ removed: ['x\n'] })],
  ['a body that is an object', response({ body: { a: 1 }, json: false })],
  ['JSON that is no text', response({ body: 1 })],
  ['no flag for JSON', response({ json: undefined })],
  ['an ETag with a line break', response({ etag: '"a"\r\nset-cookie: b' })],
  ['a Last-Modified that is a number', response({ lastModified: 1 })],
  ['a tag header with a line break', response({ surrogate: 'a\nb' })],
  ...['storedAt', 'initialAge', 'freshMs', 'staleMs', 'fallbackMs'].flatMap((name) =>
    [undefined, '1', -1, NaN, Infinity].map((given): [string, unknown] => [
      `${name} ${String(given)}`,
      response({ [name]: given }),
    ]),
  ),
  ['a vary record without names', vary({ names: undefined })],
  ['a vary record with no name', vary({ names: [] })],
  ['a vary record with a name that is none', vary({ names: ['A b'] })],
  ['a vary record with too many names', vary({ names: Array.from({ length: 101 }, () => 'x') })],
  ['a vary record without a generation', vary({ generation: undefined })],
  ['a vary record with an endless generation', vary({ generation: 'x'.repeat(101) })],
];

describe('the shape of stored responses', () => {
  it.each([
    ['a response', RESPONSE],
    [
      'a response with all members',
      response({ removed: ['x-b'], lastModified: 'x', surrogate: '' }),
    ],
    ['a response with no body', response({ body: undefined, json: false })],
    ['a response with bytes', response({ body: new Uint8Array(2), json: false })],
    ['a response with members of another version', response({ later: true })],
    ['a vary record', VARY],
  ])('accepts %s', (_what, value) => {
    expect(checkStored(value)).toBe(value);
  });

  it.each(MALFORMED)('refuses %s', (_what, value) => {
    expect(() => checkStored(value)).toThrow(CodecError);
  });

  it('is checked by the codec of the application as well', () => {
    const codec = new ResponseCodecs().codecFor(cborCodec);
    expect(codec.decode(codec.encode(RESPONSE))).toEqual(RESPONSE);
    expect(() => codec.decode(cborCodec.encode(response({ status: 0 })))).toThrow(CodecError);
    expect(() => codec.encode({ kind: 'unshared' })).toThrow(CodecError);
  });

  it('is not looked for in a head that is longer than any', () => {
    const endless = `{"kind":"response","headers":[${'["a","b"],'.repeat(50_000)}["a","b"]]}\nx`;
    expect(() => responseCodec.text.decode(endless)).toThrow(/262144 characters/);
    const long = response({ headers: [['x-a', 'b'.repeat(300_000)]] });
    expect(() => responseCodec.text.encode(long)).toThrow(/262144 characters/);
  });
});
