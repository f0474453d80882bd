import assert from 'node:assert/strict';
import type { Codec } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';

/**
 * The two functions of a test runner that the suites need: those of vitest, jest, mocha or
 * node:test.
 */
export interface TestRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly it: (title: string, body: () => void | Promise<void>) => unknown;
}

/** What a codec may leave out: then it must refuse such values. Default: keeps all. */
export interface CodecAbilities {
  readonly keeps?: Readonly<Partial<Record<KeptType, boolean>>>;
}

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

const KEPT: readonly (readonly [KeptType | 'JSON', string, () => unknown])[] = [
  [
    'JSON',
    'strings',
    () => ['', 'a', 'ä€😀', 'x'.repeat(70_000), '{"not":"parsed"}', 'line\nbreak', '\u2028\u0000'],
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

const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
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

/**
 * Checks that a codec keeps its values faithfully, or refuses them with a `CodecError` that names
 * the path.
 */
export function describeCodec(
  name: string,
  codec: Codec,
  runner: TestRunner,
  abilities: CodecAbilities = {},
): void {
  const { describe, it } = runner;
  describe(`${name} codec`, () => {
    it('has an id of 1 to 8 characters', () => assert.match(codec.id, /^[a-z0-9]{1,8}$/));
    for (const [type, title, make] of KEPT) {
      if (type === 'JSON' || abilities.keeps?.[type] !== false)
        it(`keeps ${title}`, () => keeps(codec, make));
      else it(`refuses ${title}`, () => assert.throws(() => codec.encode(make()), CodecError));
    }
    for (const [title, make, message] of REFUSED) {
      it(`refuses ${title} and says where it is`, () => refuses(codec, make(), message));
    }
    it('keeps what is nested up to 500 levels', () => keeps(codec, () => nested(500)));
    it('counts a map and a set as one level each', () => {
      if (abilities.keeps?.Map === false || abilities.keeps?.Set === false) return;
      keeps(codec, () => nestedMaps(500));
      assert.throws(() => codec.encode(nestedMaps(501)), CodecError);
    });
    it('keeps many small items at and around the sizes where buffers end', () => {
      for (const size of [16_383, 16_384, 16_385, 65_536, 1_000_000])
        keeps(codec, () => smallItems(codec, size));
    });
    it('keeps an invalid date', () => {
      // Not by deepEqual, to which two invalid dates differ.
      if (abilities.keeps?.Date === false) return;
      const [date] = roundTrip(codec, [new Date(NaN)]) as [unknown];
      assert.ok(date instanceof Date && Number.isNaN(date.getTime()));
    });
    it('gives an object without prototype back as a plain object', () => {
      assert.deepEqual(roundTrip(codec, Object.assign(Object.create(null), { a: 1 })), { a: 1 });
    });
    it('gives an object that is referred to twice back as two', () => {
      const shared = { a: 1 };
      const [a, b] = roundTrip(codec, [shared, shared]) as [object, object];
      assert.deepEqual(a, b);
      assert.notEqual(a, b);
    });
    it('leaves prototypes alone', () => {
      const decoded = roundTrip(codec, JSON.parse('{"__proto__":{"admin":true}}')) as Record<
        string,
        unknown
      >;
      assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
      assert.equal(({} as Record<string, unknown>).admin, undefined);
    });
    it('refuses to decode what is cut short, or nothing', () => refusesCuts(codec));
    it('makes the same of its text as of its bytes', () => {
      if (codec.text === undefined) return;
      const value = KEPT[4]?.[2]();
      assert.equal(Buffer.from(codec.encode(value)).toString('utf8'), codec.text.encode(value));
      assert.deepEqual(codec.text.decode(codec.text.encode(value)), value);
    });
  });
}

function roundTrip(codec: Codec, value: unknown): unknown {
  return codec.decode(codec.encode(value));
}

function keeps(codec: Codec, make: () => unknown): void {
  const value = make();
  const decoded = roundTrip(codec, value);
  assert.deepEqual(decoded, value);
  assert.deepEqual(value, make(), 'encode must not change the value');
  if (codec.text !== undefined)
    assert.deepEqual(codec.text.decode(codec.text.encode(value)), value);
}

function refuses(codec: Codec, value: unknown, message: RegExp): void {
  assert.throws(
    () => codec.encode(value),
    (error) =>
      error instanceof CodecError && error.code === 'CACHE_CODEC' && message.test(error.message),
  );
}

function refusesCuts(codec: Codec): void {
  for (const value of [
    { list: [1, 'two', { three: 3 }] },
    ['text'],
    ['ä'.repeat(40)],
    [0.1],
    [70_000],
    [{ key: [] }],
  ]) {
    const bytes = codec.encode(value);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => codec.decode(bytes.subarray(0, length)),
        CodecError,
        `cut after ${String(length)} bytes`,
      );
    }
  }
}

function cycle(): unknown {
  const value: Record<string, unknown> = { a: 1 };
  value.self = value;
  return value;
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { v: value };
  return value;
}

function nestedMaps(levels: number): unknown {
  let value: unknown = new Map();
  for (let level = 1; level < levels; level++)
    value = level % 2 === 0 ? new Map([[level, value]]) : new Set([value]);
  return value;
}

/**
 * An object of small items that is `size` bytes long when encoded: a padding string takes up what
 * is missing.
 */
function smallItems(codec: Codec, size: number): unknown {
  const items: unknown[] = [];
  const value = (pad: number): unknown => ({ items, pad: 'p'.repeat(pad) });
  while (codec.encode(items).length < size - 600) {
    const missing = size - codec.encode(items).length - 500;
    for (let i = 0; i < Math.max(1, missing / 40); i++)
      items.push({ id: items.length, ok: true, t: 'item' });
  }
  let pad = 300;
  for (let round = 0; round < 4; round++) pad += size - codec.encode(value(pad)).length;
  assert.equal(codec.encode(value(pad)).length, size);
  return value(pad);
}
