import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeValue } from '../../../lib/core/key/canonical-value.js';
import { CacheKey, keyFromArguments, toCacheKey, storageKey } from '../../../lib/core/key/key.js';
// The Big List of Naughty Strings, https://github.com/minimaxir/big-list-of-naughty-strings, MIT.
import naughty from '../../support/naughty-strings.json' with { type: 'json' };
import { parseKey, parseValue } from '../../support/parse-key.js';

const nasty = fc.constantFrom(
  ...Array.from(':/=&%{}[]()*?\\\'",~# \0\r\n'),
  'tenant:',
  'segment:',
  '%2F',
  'é',
  'ｅ',
  '\u202e',
  '😀',
  '1',
  'null',
  '',
  'n',
  '-',
);
const anyText = fc.oneof(
  fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(...naughty),
);
const name = anyText.filter((text) => text !== '');
const value = fc.letrec<{ any: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    anyText,
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 4 }),
  ),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(anyText, tie('any'), { maxKeys: 3 }),
    fc.array(tie('any'), { maxLength: 3 }).map((members) => new Set(members)),
    fc
      .array(fc.tuple(tie('leaf'), tie('any')), { maxLength: 3 })
      .map((members) => new Map(members)),
  ),
})).any;

const parts = fc.record({
  tenant: fc.option(name, { nil: undefined }),
  segment: name,
  params: fc.dictionary(name, fc.oneof(value, anyText), { maxKeys: 4 }),
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

function build({ tenant, segment, params }: Parts): CacheKey {
  const builder = CacheKey.builder().segment(segment).params(params);
  return (tenant === undefined ? builder : builder.tenant(tenant)).build();
}

describe('keys, for any parts', () => {
  it('can be read back, so that different parts never give the same text', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const read = parseKey(build(given).text);
        expect([read.tenant, read.segment]).toEqual([given.tenant, given.segment]);
        expect(read.params).toEqual(
          new Map(Object.entries(given.params).filter(([, param]) => param !== undefined)),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('can be read back from arguments too', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(parseValue(encodeValue(given, 'param', 'x'))).toEqual(given);
      }),
      { numRuns: 3_000 },
    );
  });

  it('do not depend on the order in which they were built', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const params = Object.entries(given.params).reverse();
        expect(build({ ...given, params: Object.fromEntries(params) }).text).toBe(
          build(given).text,
        );
        const builder = CacheKey.builder();
        for (const [param, of] of params) builder.param(param, of);
        if (given.tenant !== undefined) builder.tenant(given.tenant);
        expect(builder.segment(given.segment).build().text).toBe(build(given).text);
      }),
      { numRuns: 500 },
    );
  });

  it('are printable ASCII without anything that a separator, pattern or hash tag could be made of', () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(build(given).text).toMatch(/^[A-Za-z0-9_.%:/=&(),'+-]+$/);
      }),
      { numRuns: 500 },
    );
  });

  it('begin with the text of their tenant and no other', () => {
    fc.assert(
      fc.property(parts, name, (given, tenant) => {
        const key = build({ ...given, tenant });
        expect(storageKey(key).startsWith(`tenant:${key.tenant ?? ''}/`)).toBe(true);
        const other = build({ ...given, tenant: `${tenant}x` });
        expect(storageKey(other).startsWith(`tenant:${key.tenant ?? ''}/`)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('naughty strings', () => {
  it('give as many keys as there are of them, in every part', () => {
    const texts = [...new Set(naughty)];
    expect(texts.length).toBeGreaterThan(450);
    const keys = texts.flatMap((text) => [
      CacheKey.builder().tenant(text).segment('s').build(),
      CacheKey.builder().tenant('t').segment(text).param('a', 1).build(),
      CacheKey.builder().segment('s').param(text, 'v').build(),
      CacheKey.builder().segment('s').param('p', text).build(),
      keyFromArguments('m', [text]),
      toCacheKey(text, 'plain'),
    ]);
    expect(new Set(keys.map((key) => key.text)).size).toBe(keys.length);
    expect(new Set(keys.map(storageKey)).size).toBe(keys.length);
  });
});

describe('tenants', () => {
  it('never share a key, over 60,000 pairs of tenant and key built from delimiters', () => {
    const pieces = [
      ':',
      '/',
      '=',
      '&',
      '%',
      '%2F',
      '*',
      '?',
      '[',
      ']',
      '{',
      '}',
      '\0',
      '\r\n',
      '#',
      't',
      'tenant:',
      'segment:',
      'ｔ',
      'т',
      '1',
    ];
    let seed = 11;
    const random = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const some = () =>
      Array.from({ length: 1 + random(3) }, () => pieces[random(pieces.length)] ?? '').join('');
    const owners = new Map<string, string>();
    let crossed = 0;
    for (let i = 0; i < 60_000; i++) {
      const [tenant, segment] = [some(), some()];
      const text = storageKey(toCacheKey(segment, tenant));
      const owner = `${String(tenant.length)} ${tenant} ${segment}`;
      if ((owners.get(text) ?? owner) !== owner) crossed++;
      owners.set(text, owner);
    }
    expect(crossed).toBe(0);
    expect(owners.size).toBe(new Set(owners.values()).size);
  });
});

describe('arguments', () => {
  const distinct: readonly (readonly unknown[])[] = [
    [],
    [1],
    ['1'],
    [1n],
    ['1n'],
    [true],
    ['true'],
    [null],
    ['null'],
    [''],
    ["'"],
    ["''"],
    [0],
    [-0],
    [NaN],
    ['NaN'],
    [[]],
    [{}],
    [[[]]],
    [[{}]],
    [1, 2],
    [12],
    ['1,2'],
    [[1, 2]],
    [[1], 2],
    [[1, [2]]],
    [['1', '2']],
    [['1,2']],
    [{ 0: 1, 1: 2 }],
    [{ a: 1 }],
    [{ a: '1' }],
    [{ a: undefined }],
    [{ a: null }],
    [{ a: { b: 1 } }],
    [{ 'a.b': 1 }],
    [{ 'a:b': 1 }],
    ['(a:1)'],
    [[null]],
    [[undefined]],
    [[undefined, undefined]],
    [undefined, 1],
    [null, 1],
    [new Date(0)],
    [0, 0],
    [new Date(0).toISOString()],
    ['date(1970-01-01T00:00:00.000Z)'],
    [new Map()],
    [new Set()],
    [new Set([1])],
    [new Map([[1, 1]])],
    [new Set([[1, 1]])],
    [new Uint8Array()],
    [new Uint8Array([1])],
    [[new Uint8Array([1])]],
    [' '],
    ['a'],
    ['A'],
    ['á'],
    ['a\u0301'],
    ['a', 'b'],
    ['a&1=b'],
    [{ __proto__: null, b: 1 }],
  ];

  it('differ in type and shape', () => {
    const texts = distinct.map((args) => keyFromArguments('m', args).text);
    texts.forEach((text, i) =>
      texts.forEach((other, j) => expect([i, j, text === other]).toEqual([i, j, i === j])),
    );
  });
});
