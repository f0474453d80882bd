import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { CodecError } from '../../lib/ports/errors.js';
import { describeCodec } from '../../lib/testing/codec-conformance.js';

describeCodec('cbor', cborCodec, { describe, it });

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const decode = (hex: string): unknown => cborCodec.decode(bytes(hex));

// RFC 8949 appendix A, and the bounds of exact integers.
const FACTS: readonly (readonly [string, unknown])[] = [
  ['00', 0],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1864', 100],
  ['1903e8', 1_000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
  ['c249010000000000000000', 18_446_744_073_709_551_616n],
  ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
  ['c349010000000000000000', -18_446_744_073_709_551_617n],
  ['1b001fffffffffffff', 2 ** 53 - 1],
  ['1b0020000000000000', 2n ** 53n],
  ['3b001ffffffffffffe', 1 - 2 ** 53],
  ['3b001fffffffffffff', -(2n ** 53n)],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1_000],
  ['f90000', 0],
  ['f98000', -0],
  ['f93c00', 1],
  ['fb3ff199999999999a', 1.1],
  ['f97bff', 65_504],
  ['fa47c35000', 100_000],
  ['fa7f7fffff', 3.4028234663852886e38],
  ['fb7e37e43c8800759c', 1.0e300],
  ['f90001', 5.960464477539063e-8],
  ['f90400', 0.00006103515625],
  ['f9c400', -4],
  ['f97c00', Infinity],
  ['f97e00', NaN],
  ['f9fc00', -Infinity],
  ['fb7ff0000000000000', Infinity],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['f7', undefined],
  ['c11a514b67b0', new Date(1_363_896_240_000)],
  ['c1fb41d452d9ec200000', new Date(1_363_896_240_500)],
  ['40', Buffer.alloc(0)],
  ['4401020304', Buffer.from([1, 2, 3, 4])],
  ['60', ''],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', 'ü'],
  ['64f0908591', '\ud800\udd51'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', {}],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['826161a161626163', ['a', { b: 'c' }]],
  ['5f42010243030405ff', Buffer.from([1, 2, 3, 4, 5])],
  ['7f657374726561646d696e67ff', 'streaming'],
  ['9fff', []],
  ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['83018202039f0405ff', [1, [2, 3], [4, 5]]],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['826161bf61626163ff', ['a', { b: 'c' }]],
  ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
];

describe('the bytes of the cbor codec', () => {
  it.each(FACTS)('reads %s as RFC 8949 appendix A says', (hex, value) => {
    expect(decode(hex)).toStrictEqual(value);
  });

  it.each([
    ['Buffer as a byte string', Buffer.from([1]), '4101'],
    ['Uint8Array with tag 64', new Uint8Array([1]), 'd8404101'],
    ['Map with tag 259', new Map([['a', 1]]), 'd90103a1616101'],
    ['Set with tag 258', new Set([1]), 'd901028101'],
    ['Date with tag 1', new Date(1_500), 'c1fb3ff8000000000000'],
    ['bigint with tags 2 and 3', [1n, -1n], '82c24101c34100'],
    ['-0 as a double', -0, 'fb8000000000000000'],
    ['a lone surrogate with tag 273', '\ud800', 'd9011143eda080'],
    [
      'a text whose bytes need a longer head than its characters',
      'ä'.repeat(12),
      `7818${'c3a4'.repeat(12)}`,
    ],
  ])('writes %s', (_, value, hex) => {
    expect(Buffer.from(cborCodec.encode(value)).toString('hex')).toBe(hex);
  });

  it.each([
    0, 1, 11, 12, 23, 24, 25, 84, 85, 127, 128, 255, 256, 21_845, 32_767, 32_768, 65_535, 65_536,
  ])('keeps texts of %i characters of any width', (n) => {
    for (const character of ['a', 'ä', '€', '😀']) {
      const value = { [character.repeat(n)]: [character.repeat(n), 1] };
      expect(cborCodec.decode(cborCodec.encode(value))).toStrictEqual(value);
    }
  });
});

// What others found to hurt decoders: memory by declared lengths, time by bignums, stacks by
// nesting, types that should not be built.
const HOSTILE: readonly (readonly [string, () => Uint8Array])[] = [
  ...['9b', 'bb', '5b', '7b'].flatMap((head) =>
    [
      '0000000010000000',
      '0000000100000000',
      '001fffffffffffff',
      '7fffffffffffffff',
      'ffffffffffffffff',
    ].map(
      (length) =>
        [
          `a length of 0x${length} after 0x${head} and no data`,
          () => bytes(head + length),
        ] as const,
    ),
  ),
  ['a length of 2^32-1 and little data', () => bytes(`9affffffff${'00'.repeat(100)}`)],
  ['a million arrays within each other', () => new Uint8Array(1_000_000).fill(0x81)],
  ['a million open arrays within each other', () => new Uint8Array(1_000_000).fill(0x9f)],
  ['a million tags within each other', () => new Uint8Array(1_000_000).fill(0xc1)],
  ['a million maps within each other', () => Buffer.from('a16161'.repeat(1_000_000), 'hex')],
  ['501 arrays within each other', () => bytes(`${'81'.repeat(500)}80`)],
  ['a byte string that is one byte short', () => bytes('43ffff')],
  ['a text that is one byte short', () => bytes('636161')],
  ['sets within each other', () => Buffer.from(`${'d9010281'.repeat(100_000)}00`, 'hex')],
  ['a bignum of 1,025 bytes', () => bytes(`c2590401${'ff'.repeat(1_025)}`)],
  ['a bignum of 1 MB', () => Buffer.concat([bytes('c25a00100000'), Buffer.alloc(1_048_576, 255)])],
  [
    '10 MB of nulls in an array',
    () => Buffer.concat([bytes('9a00a00000'), Buffer.alloc(10_485_760, 0xf6)]),
  ],
  [
    '10 MB of nulls in an open array',
    () => Buffer.concat([bytes('9f'), Buffer.alloc(10_485_760, 0xf6), bytes('ff')]),
  ],
  [
    '10 MB of empty parts of a string',
    () => Buffer.concat([bytes('7f'), Buffer.alloc(10_485_760, 0x60), bytes('ff')]),
  ],
  ['invalid UTF-8', () => bytes('62c328')],
  ['invalid UTF-8 in a long text', () => Buffer.concat([bytes('7864'), Buffer.alloc(100, 0xc3)])],
  ['invalid UTF-8 in a key', () => bytes('a1617f01'.replace('617f', '61ff'))],
  ['a key twice', () => bytes('a2616101616102')],
  ['a __proto__ key twice', () => bytes(`a2${'695f5f70726f746f5f5f01'.repeat(2)}`)],
  ['a key twice in an open map', () => bytes('bf616101616102ff')],
  ['a key twice in a Map', () => bytes('d90103a201020103')],
  ['a member twice in a Set', () => bytes('d90102820101')],
  ['a key that is a number', () => bytes('a10102')],
  ['an odd open map', () => bytes('bf616101616202616 3ff'.replace(' ', ''))],
  ['tag 35, a RegExp', () => bytes('d8236161')],
  ['tag 27, a class instance', () => bytes('d81b82654572726f726178')],
  ['tags 28 and 29, a cycle', () => bytes('d81c81d81d00')],
  ['tag 0, a date as text', () => bytes('c074323031332d30332d32315432303a30343a30305a')],
  ['tag 32, a URI', () => bytes('d82076687474703a2f2f7777772e6578616d706c652e636f6d')],
  ['a tag of 64 bits', () => bytes('dbffffffffffffffff00')],
  ['a date of a text', () => bytes('c16161')],
  ['a date out of range', () => bytes('c1fb7e37e43c8800759c')],
  ['an extended time without seconds', () => bytes('d903e9a10100')],
  ['an extended time with another key', () => bytes('d903e9a201002200'.replace('2200', '2300'))],
  ['tag 64 on a text', () => bytes('d8406161')],
  ['tag 258 on a map', () => bytes('d90102a0')],
  ['tag 259 on an array', () => bytes('d9010380')],
  ['tag 273 on well-formed text', () => bytes('d901114161')],
  ['tag 273 cut within a surrogate', () => bytes('d9011142eda0')],
  ['a surrogate pair written as two surrogates', () => bytes('d9011146eda080edb080')],
  ['nothing', () => new Uint8Array(0)],
  ['a lone break', () => bytes('ff')],
  ['a break in an array of known length', () => bytes('8201ff')],
  ['reserved lengths', () => bytes('1c')],
  ['a reserved length of an array', () => bytes('9e')],
  ['a number of indefinite length', () => bytes('1f')],
  ['a simple value of its own', () => bytes('f0')],
  ['a simple value of two bytes', () => bytes('f8ff')],
  ['a two-byte simple value below 32, which is invalid since RFC 8949', () => bytes('f818')],
  ['bytes after the value', () => bytes('0000')],
  ['a part of another type in a string', () => bytes('7f4161ff')],
  ['a string of parts in a string of parts', () => bytes('7f7f6161ffff')],
  ['an open array without end', () => bytes('9f0102')],
  ['JSON', () => Buffer.from('{"a":1}')],
];

describe('the keys of rows', () => {
  it('reads repeated keys correctly, prefixes of each other included', () => {
    const keys = Array.from(
      { length: 3_000 },
      (_, i) => 'abc'.repeat(7).slice(i % 4, 1 + (i % 20)) + String(i % 7) + 'ba'.slice(i % 3),
    ).flatMap((key) => Array.from(key, (_, end) => key.slice(0, end)));
    const rows = keys.map((key, i) => ({ [key]: i }));
    expect(cborCodec.decode(cborCodec.encode(rows))).toStrictEqual(rows);
  });
});

describe('hostile bytes for the cbor codec', () => {
  it.each(HOSTILE)('rejects %s', (_, make) => {
    expect(() => cborCodec.decode(make())).toThrow(CodecError);
  });

  it('rejects a value with too many items when it encodes', () => {
    expect(() => cborCodec.encode(Array.from({ length: 4_000_001 }, () => 0))).toThrow(
      /more than 4000000/,
    );
  });
});

describe('one value after the other', () => {
  const rows = (count: number, text: string) =>
    Array.from({ length: count }, (_, id) => ({ id, text, half: id + 0.5 }));
  const kept = (value: unknown) => {
    expect(cborCodec.decode(cborCodec.encode(value))).toStrictEqual(value);
  };

  it('encodes correctly after a large or a rejected value', () => {
    kept(rows(20_000, 'great'));
    kept(rows(2, 'small'));
    expect(() => cborCodec.encode([rows(3, 'before'), () => 0])).toThrow(CodecError);
    expect(() => cborCodec.decode(cborCodec.encode(rows(3, 'cut')).subarray(0, 20))).toThrow(
      CodecError,
    );
    kept(rows(2, 'after'));
    kept({});
  });

  it('returns bytes that the next value does not overwrite', () => {
    const first = cborCodec.encode(rows(2, 'first'));
    const copy = Uint8Array.from(first);
    cborCodec.encode(rows(2, 'other'));
    expect(Uint8Array.from(first)).toEqual(copy);
  });

  it('encodes a value whose getter encodes another value', () => {
    const outer = {
      before: 1,
      get inner() {
        return cborCodec.decode(cborCodec.encode(rows(2, 'inner')));
      },
      after: 2,
    };
    expect(cborCodec.decode(cborCodec.encode(outer))).toEqual({
      before: 1,
      inner: rows(2, 'inner'),
      after: 2,
    });
  });
});
