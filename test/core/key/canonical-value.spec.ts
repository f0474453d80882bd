import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { encodeValue } from '../../../lib/core/key/canonical-value.js';
import { CacheKeyError } from '../../../lib/ports/errors.js';

const text = (value: unknown) => encodeValue(value, 'param', 'filter');
class Money {
  constructor(readonly amount: number) {}
}

class Zoned extends Date {
  constructor(
    ms: number,
    readonly zone: string,
  ) {
    super(ms);
  }
}
class Sorted extends Map<string, number> {}
class Unique extends Set<string> {}
class Page extends Array<number> {}
class Bytes extends Uint8Array {}
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

describe('an instance of a class that extends a built-in one', () => {
  it.each([new Zoned(0, 'cet'), new Sorted(), new Unique(), Page.of(1), new Bytes(1)])(
    'is refused as any class instance: what makes it differ is not known (%#)',
    (value) => {
      expect(() => text(value)).toThrow(CacheKeyError);
      expect(() => text({ at: [value] })).toThrow(
        new RegExp(
          `^param "filter\\.at\\.0" is an instance of ${value.constructor.name}, which has no canonical text`,
        ),
      );
    },
  );
});

describe('what cannot be read', () => {
  it.each<[string, unknown]>([
    ['a proxy of a Date', new Proxy(new Date(0), {})],
    ['a proxy of a Map', new Proxy(new Map(), {})],
    ['a proxy of bytes', new Proxy(new Uint8Array(2), {})],
    [
      'a getter that throws',
      {
        get secret() {
          throw new Error('4711');
        },
      },
    ],
    [
      'a revoked proxy',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
    ],
  ])('is a key error that shows no value: %s', (_, value) => {
    expect(() => text(value)).toThrow(CacheKeyError);
    expect(() => text([value])).toThrow(/^(?!.*4711)param "filter/);
  });

  it('is a value that is nested too deep', () => {
    expect(text(nested(500))).toHaveLength(1_001);
    expect(() => text(nested(501))).toThrow(/^param "filter" is nested deeper than 500 levels/);
    expect(() => text(nested(5_000))).toThrow(CacheKeyError);
  });
});

describe('the text of a value', () => {
  it.each<[unknown, string]>([
    [1, '1'],
    [-0, '-0'],
    [0, '0'],
    [1.5, '1.5'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [1n, '1n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    ['', "'"],
    ['ann', 'ann'],
    ['1', "'1"],
    ['-1.50', "'-1.50"],
    ['1n', "'1n"],
    ['1e-7', "'1e-7"],
    ['null', "'null"],
    ['true', "'true"],
    ['NaN', "'NaN"],
    ['2026-01-31', '2026-01-31'],
    ["'1", '%271'],
    ['(1)', '%281%29'],
    [[], '()'],
    [[1, '1', [2]], "(1,'1,(2))"],
    [[undefined], '(undefined)'],
    [new Array<number>(2), '(undefined,undefined)'],
    [{}, '(:)'],
    [{ b: 1, a: 'x' }, '(a:x,b:1)'],
    [{ 'a:b,c': [] }, '(a%3Ab%2Cc:())'],
    [{ __proto__: null, a: 1 }, '(a:1)'],
    [JSON.parse('{"__proto__":1}'), '(__proto__:1)'],
    [new Date(0), 'date(1970-01-01T00:00:00.000Z)'],
    [
      new Map<unknown, unknown>([
        ['b', 1],
        ['a', {}],
      ]),
      'map(a:(:),b:1)',
    ],
    [new Set([2, 1]), 'set(1,2)'],
    [new Uint8Array([0, 255]), 'bytes(00ff)'],
    [Buffer.from([0, 255]), 'bytes(00ff)'],
    [runInNewContext('({ a: [1], b: new Uint8Array(1) })'), '(a:(1),b:bytes(00))'],
  ])('writes %#: $1', (value, expected) => {
    expect(text(value)).toBe(expected);
  });

  it('sorts the members of large objects too', () => {
    const names = Array.from({ length: 40 }, (_, i) => `m${String((i * 17) % 40)}`);
    const expected = Array.from(names)
      .sort()
      .map((name) => `${name}:1`);
    expect(text(Object.fromEntries(names.map((name) => [name, 1])))).toBe(
      `(${expected.join(',')})`,
    );
  });

  it('is the same for the same object met twice side by side', () => {
    const shared = { a: 1 };
    expect(text([shared, shared])).toBe('((a:1),(a:1))');
  });

  const cyclic: { deep: object } = { deep: {} };
  cyclic.deep = { self: cyclic };

  it.each<[string, unknown, RegExp]>([
    ['a function', { a: [() => 1] }, /^param "filter\.a\.0" is a function/],
    ['a symbol', { a: Symbol.iterator }, /^param "filter\.a" is a symbol/],
    [
      'a symbol member',
      { where: { [Symbol.for('gt')]: 1 } },
      /^param "filter\.where" has a member named by a symbol/,
    ],
    ['a class instance', { owner: new Money(1) }, /^param "filter\.owner" is an instance of Money/],
    ['an instance of a class without a name', new (class {})(), /^param "filter" is an object/],
    ['a cycle', cyclic, /^param "filter\.deep\.self" contains itself/],
    ['an invalid date', { from: new Date(NaN) }, /^param "filter\.from" is an invalid Date/],
    ['another typed array', new Float64Array(1), /^param "filter" is an instance of Float64Array/],
    ['a regular expression', /x/, /^param "filter" is an instance of RegExp/],
    ['a promise', Promise.resolve(1), /^param "filter" is an instance of Promise/],
    ['a lone surrogate', { a: { b: '\ud800' } }, /^param "filter\.a\.b" must be well-formed text/],
    [
      'a lone surrogate in a name',
      { a: { '\ud800': 1 } },
      /^a member name in param "filter\.a" must be well-formed text/,
    ],
    [
      'a class instance in a Map',
      { m: new Map([['k', new Money(1)]]) },
      /^param "filter\.m" is an instance of Money/,
    ],
  ])('refuses %s', (_title, value, message) => {
    expect(() => text(value)).toThrow(CacheKeyError);
    expect(() => text(value)).toThrow(message);
  });
});
