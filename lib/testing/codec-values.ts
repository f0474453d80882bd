export type KeptType =
  | 'Date'
  | 'bigint'
  | 'Map'
  | 'Set'
  | 'Buffer'
  | 'Uint8Array'
  | 'undefined'
  | 'special numbers'
  | 'lone surrogates';

/** Values that a codec keeps, by the type that it may leave out. */
export const KEPT: readonly (readonly [KeptType | 'JSON', string, () => unknown])[] = [
  [
    'JSON',
    'strings',
    () => ['', 'a', 'ä€😀', 'x'.repeat(70_000), '{"not":"parsed"}', 'line\nbreak', '\u2028\0'],
  ],
  [
    'JSON',
    'numbers',
    () => [
      0,
      1,
      -1,
      23,
      24,
      255,
      256,
      65_535,
      65_536,
      2 ** 32,
      -(2 ** 31),
      2 ** 53 - 1,
      1 - 2 ** 53,
      2 ** 60,
      0.1,
      5e-324,
      1.7e308,
    ],
  ],
  ['JSON', 'booleans and null', () => [true, false, null]],
  [
    'JSON',
    'nested and empty containers',
    () => ({ a: [[], {}, { b: { c: [1, { d: null }] } }], '': 0 }),
  ],
  ['JSON', 'a bare primitive', () => 'text'],
  [
    'JSON',
    'keys that look like syntax',
    () => ({
      '{"a":1}\n{"a":"date"}': 1,
      'a.b[0]': 2,
      '*': 3,
      date: 'date',
      constructor: 1,
      length: 2,
    }),
  ],
  [
    'JSON',
    'an own __proto__ key',
    () => JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":1}}') as unknown,
  ],
  [
    'Date',
    'dates',
    () => [
      new Date(0),
      new Date(-1),
      new Date(1_001),
      new Date(8.64e15),
      new Date(-8.64e15),
      new Date(-8_639_999_999_999_999),
    ],
  ],
  [
    'Date',
    'dates in rows, some of them null',
    () => [{ at: new Date(1), n: 1 }, { at: null, n: 2 }, { n: 3 }],
  ],
  [
    'Date',
    'a date beside its text',
    () => [{ at: new Date(1) }, { at: new Date(1).toISOString() }],
  ],
  [
    'bigint',
    'bigints',
    () => [0n, 1n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 8_191n, -(2n ** 8_191n)],
  ],
  ['bigint', 'a bigint beside the same number', () => ({ big: 1n, small: 1, list: [1n, 1, '1'] })],
  [
    'Map',
    'maps',
    () =>
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', { b: new Map() }],
        [{ k: 1 }, [new Map([['x', 1]])]],
      ]),
  ],
  [
    'Map',
    'a map of strings beside the same object',
    () => [new Map([['a', 1]]), { a: 1 }, [['a', 1]]],
  ],
  ['Set', 'sets', () => [new Set(), new Set<unknown>([1, '1', [2], { a: 1 }, new Set([3])]), [1]]],
  [
    'Buffer',
    'buffers',
    () => ({ empty: Buffer.alloc(0), bytes: Buffer.from([0, 127, 128, 255]), text: 'AH+A/w==' }),
  ],
  ['Uint8Array', 'byte arrays', () => [new Uint8Array(0), new Uint8Array([0, 127, 128, 255])]],
  [
    'undefined',
    'undefined members and items',
    () => ({ a: undefined, b: [undefined, null], c: { d: undefined } }),
  ],
  ['undefined', 'undefined itself', () => undefined],
  [
    'special numbers',
    'NaN, infinities and -0',
    () => [NaN, Infinity, -Infinity, -0, { a: -0, b: 0, c: 'NaN' }],
  ],
  [
    'lone surrogates',
    'lone surrogates',
    () => ['\ud800', 'a\udfffb', { '\udc00': '\ud83d' }, '\udbff\ud83d\ude00€'],
  ],
];

/** Values that every codec refuses, with what the message names. */
export const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'a class instance',
    () => ({
      items: [
        1,
        {
          owner: new (class User {
            readonly id = 1;
          })(),
        },
      ],
    }),
    /value\.items\[1\]\.owner is an instance of the class User/,
  ],
  [
    'a subclass of a kept class',
    () => [new (class Day extends Date {})()],
    /value\[0\] is an instance of the class Day/,
  ],
  [
    'a subclass of Array',
    () => ({ rows: new (class Rows extends Array<number> {})() }),
    /value\.rows is an instance of the class Rows/,
  ],
  ['a function', () => ({ f: () => 1 }), /value\.f is a function/],
  ['an object with toJSON', () => ({ a: { toJSON: () => 1 } }), /value\.a\.toJSON is a function/],
  ['a symbol', () => ({ s: Symbol('s') }), /value\.s is a symbol/],
  ['a cycle', () => cycle(), /value\.self contains itself/],
  ['too many levels', () => nested(501), /nested deeper than 500/],
  [
    'a hole',
    () => ({ list: Object.assign<unknown[], object>([], { length: 3 }) }),
    /value\.list\[0\] is a hole/,
  ],
  ['a Promise', () => ({ p: Promise.resolve(1) }), /value\.p is a Promise/],
  ['an Error', () => ({ e: new TypeError('x') }), /value\.e is an Error/],
  ['a RegExp', () => new Map([['r', /x/]]), /value\(value 0\) is a RegExp/],
  [
    'a WeakMap',
    () => new Set([new WeakMap()]),
    /value\(member 0\) is an instance of the class WeakMap/,
  ],
  [
    'other binary types',
    () => ({ 'a b': new Float64Array(1) }),
    /value\["a b"\] is of type Float64Array/,
  ],
  ['an ArrayBuffer', () => new ArrayBuffer(1), /value is of type ArrayBuffer/],
  [
    'a boxed primitive',
    () => [Object(1) as unknown],
    /value\[0\] is an instance of the class Number/,
  ],
  [
    'a bigint beyond 1,024 bytes',
    () => [2n ** 8_192n],
    /value\[0\] is a bigint of more than 1024 bytes/,
  ],
];

function cycle(): unknown {
  const value: Record<string, unknown> = { a: 1 };
  value.self = value;
  return value;
}

export function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { v: value };
  return value;
}

export function nestedMaps(levels: number): unknown {
  let value: unknown = new Map();
  for (let level = 1; level < levels; level++)
    value = level % 2 === 0 ? new Map([[level, value]]) : new Set([value]);
  return value;
}
