import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CodecError } from '../../lib/ports/errors.js';
import { describeCodec } from '../../lib/testing/codec-conformance.js';

describeCodec('json', jsonCodec, { describe, it });

describe('the text of the json codec', () => {
  const { encode, decode } = jsonCodec.text;

  it('writes plain JSON when that keeps the value', () => {
    const value = { id: 7, list: [1, null, true], text: 'a\nb' };
    expect(encode(value)).toBe(JSON.stringify(value));
  });

  it('writes an annotation that mirrors the value', () => {
    expect(
      encode({
        at: new Date(0),
        total: 5n,
        tags: new Set(['a']),
        raw: Buffer.from('hi'),
        n: NaN,
        gone: undefined,
      }),
    ).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","total":"5","tags":["a"],"raw":"aGk=","n":"NaN","gone":null}\n' +
        '{"at":"date","total":"bigint","tags":"set","raw":"buffer","n":"number","gone":"undefined"}',
    );
  });

  it('annotates a long list once, even if some of its dates are null or missing', () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({
      at: new Date(i),
      end: i % 3 ? null : new Date(i),
      ...(i % 5 ? {} : { seen: new Date(i) }),
    }));
    expect(encode({ rows }).split('\n')[1]).toBe(
      '{"rows":[{"at":"date","end":"date","seen":"date"}]}',
    );
    expect(decode(encode({ rows }))).toStrictEqual({ rows });
  });

  it.each([
    ['a date and the same text', [new Date(0), new Date(0).toISOString()]],
    ['undefined and null', [{ a: undefined }, { a: null }]],
    ['a map and its pairs', [{ a: new Map([['x', 1n]]) }, { a: [['x', '1']] }]],
    [
      'a map with a date and one without',
      [new Map([['x', new Date(1)]]), new Map([['x', 1]]), null],
    ],
    [
      'a map with a date and one with its text',
      [new Map([['x', new Date(0)]]), new Map([['x', new Date(0).toISOString()]])],
    ],
    [
      'an array and an object of the same keys',
      [[new Date(0)], { 0: new Date(0) }, { 0: new Date(0).toISOString() }],
    ],
    ['nested lists', [[[1n], [2n, 3]], [['2']], []]],
    ['a member named like a wildcard', [{ '0': 1n, '*': '1' }, ['1']]],
    [
      'a poisoned member',
      (JSON.parse('[{"__proto__":1},{"__proto__":null}]') as object[]).map((o) => ({
        ...o,
        at: new Date(3),
      })),
    ],
    [
      'a special value under __proto__',
      [
        Object.defineProperty({}, '__proto__', {
          value: 5n,
          enumerable: true,
          writable: true,
          configurable: true,
        }),
      ],
    ],
  ])('tells %s apart in one list', (_, value: unknown) => {
    expect(decode(encode(value))).toStrictEqual(value);
  });

  it('does not depend on Date.prototype.toJSON, which applications replace', () => {
    const original = Date.prototype.toJSON;
    try {
      Date.prototype.toJSON = () => 'local time';
      expect(decode(encode({ at: new Date(5) }))).toStrictEqual({ at: new Date(5) });
    } finally {
      Date.prototype.toJSON = original;
    }
  });

  it.each([
    ['an unknown type', '["x"]\n["regexp"]'],
    ['an inherited name as a type', '["x"]\n["constructor"]'],
    ['a note that is null', '["x"]\n[null]'],
    ['a note that is a number', '["x"]\n7'],
    ['a note of three parts', '["x"]\n["date","date","date"]'],
    ['no note after the line break', '["x"]\n'],
    ['two notes', '["x"]\n["date"]\n["date"]'],
    ['a date that is none', '["x"]\n["date"]'],
    ['a bigint that is none', '["0x10"]\n["bigint"]'],
    ['a bigint of a million digits', `["${'9'.repeat(1_000_000)}"]\n["bigint"]`],
    ['a number that is none', '["7"]\n["number"]'],
    ['bytes that are not base64', '["*"]\n["bytes"]'],
    ['a map of singles', '[["a"]]\n"map"'],
    ['a map with a key twice', '[["a",1],["a",2]]\n"map"'],
    ['a set with a member twice', '[1,1]\n"set"'],
    ['a note nested too deep', `1\n${'['.repeat(5_000)}"date"${']'.repeat(5_000)}`],
  ])('is refused with %s', (_, text) => {
    let found: unknown = text;
    // The plain part of a deep note has to be as deep for the note to act on it.
    if (text.startsWith('1\n')) found = `${'['.repeat(5_000)}1${']'.repeat(5_000)}${text.slice(1)}`;
    expect(() => decode(String(found))).toThrow(CodecError);
  });

  it.each<[string, () => object]>([
    [
      'of an object, not enumerable',
      () => Object.defineProperty({ id: 1 }, 'toJSON', { value: () => 'other' }),
    ],
    ['of an array', () => Object.assign([1, 2], { toJSON: () => 'other' })],
    [
      'of an array within',
      () => ({ rows: Object.assign([1, new Date(0)], { toJSON: () => 'other' }), at: new Date(0) }),
    ],
    [
      'of an object in a Map',
      () => new Map([[1, Object.defineProperty({ id: 1 }, 'toJSON', { value: () => 'other' })]]),
    ],
  ])('is the data, whatever a toJSON says: one %s', (_, make) => {
    const value = make();
    const shape = cborCodec.decode(cborCodec.encode(value));
    expect(JSON.stringify(shape)).not.toContain('other');
    expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(shape);
  });

  it('encodes a member called toJSON, and rejects it as a function', () => {
    expect(jsonCodec.decode(jsonCodec.encode({ toJSON: 'text', at: new Date(0) }))).toEqual({
      toJSON: 'text',
      at: new Date(0),
    });
    expect(() => encode({ toJSON: () => 'other' })).toThrow(/value\.toJSON is a function/);
  });

  it.each([Array.prototype, Object.prototype])(
    'rejects values while a shared prototype has a toJSON (%#)',
    (prototype) => {
      Object.defineProperty(prototype, 'toJSON', { value: () => 'other', configurable: true });
      try {
        expect(() => encode({ rows: [1] })).toThrow(
          /^JSON cannot encode values losslessly in this process: something has added toJSON/,
        );
        expect(encode('text')).toBe('"text"');
        expect(encode(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"\n"date"');
      } finally {
        Reflect.deleteProperty(prototype, 'toJSON');
      }
    },
  );

  it('never quotes the stored text in an error message', () => {
    expect(() => decode('{"secret": oops}')).toThrow(
      /^The stored payload is not what the json codec writes/,
    );
  });

  it('rejects bytes that are not UTF-8', () => {
    expect(() => jsonCodec.decode(Buffer.from([0x22, 0xff, 0x22]))).toThrow(CodecError);
  });

  it('rejects a value whose getter throws, with the cause', () => {
    const value = {
      get a(): number {
        throw new RangeError('no');
      },
    };
    expect(() => encode(value)).toThrow(CodecError);
  });
});
