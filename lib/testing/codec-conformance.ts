import assert from 'node:assert/strict';
import type { Codec } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';
import { KEPT, type KeptType, nested, nestedMaps, REFUSED } from './codec-values.js';

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
