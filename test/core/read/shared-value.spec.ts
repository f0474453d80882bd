import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../../lib/codecs/cbor.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
import {
  codecsCompatible,
  decode,
  DecodedCopies,
  deepFreeze,
  encode,
  handleFor,
  SharedValue,
  tryFreeze,
} from '../../../lib/core/read/shared-value.js';
import { responseCodec } from '../../../lib/http/response-codec.js';
import { CODECS, CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

describe('a value for many callers', () => {
  it('is itself for the first caller, and a copy for every other one', () => {
    const value = { list: [1] };
    const handle = handleFor(value, jsonCodec, encode(jsonCodec, value));
    const [first, second, third] = [handle.value(), handle.value(), handle.value()];
    expect(first).toBe(value);
    expect(second).toEqual(value);
    expect(second).not.toBe(value);
    expect(third).not.toBe(second);
  });

  it('is shared when it is a primitive', () => {
    for (const value of [7, 'x', null, true, 7n]) {
      expect(handleFor(value, jsonCodec, encode(jsonCodec, value))).toEqual(new SharedValue(value));
    }
  });

  it('is a copy for every caller when it is decoded from what is stored', () => {
    const handle = new DecodedCopies(cborCodec, encode(cborCodec, { list: [1] }));
    const [first, second] = [handle.value(), handle.value()];
    expect([first, second]).toEqual([{ list: [1] }, { list: [1] }]);
    expect(first).not.toBe(second);
  });
});

describe('a frozen value', () => {
  it('is frozen all the way down', () => {
    const frozen = tryFreeze(jsonCodec, encode(jsonCodec, { a: [{ b: 1 }] }))?.value as {
      a: { b: number }[];
    };
    expect([frozen, frozen.a, frozen.a[0]].map((part) => Object.isFrozen(part))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('does not exist when the value contains something that cannot be frozen', () => {
    expect(tryFreeze(jsonCodec, encode(jsonCodec, { at: new Date(0) }))).toBeUndefined();
    const unfreezable = [
      ...[new Map(), new Set(), new Date(), new Uint8Array(1), () => 1],
      { deep: [new Map()] },
    ];
    expect(unfreezable.map((value) => deepFreeze(value))).toEqual(unfreezable.map(() => false));
    const freezable: unknown[] = [1, 'x', null, undefined, [], Object.create(null)];
    expect(freezable.map((value) => deepFreeze(value))).toEqual(freezable.map(() => true));
  });
});

describe('codecs', () => {
  it('that are not exclusive answer for each other, an exclusive one only for itself', () => {
    expect(codecsCompatible(jsonCodec, cborCodec)).toBe(true);
    expect(codecsCompatible(jsonCodec, responseCodec)).toBe(false);
    expect(codecsCompatible(responseCodec, cborCodec)).toBe(false);
    expect(codecsCompatible(responseCodec, responseCodec)).toBe(true);
  });

  it('decode text that a backend kept as text, also when the codec has no text form', () => {
    expect(decode(jsonCodec, '{"a":1}')).toEqual({ a: 1 });
    const bytesOnly = { id: 'own', encode: jsonCodec.encode, decode: jsonCodec.decode };
    expect(decode(bytesOnly, '{"a":1}')).toEqual({ a: 1 });
    expect(encode(bytesOnly, { a: 1 })).toBeInstanceOf(Uint8Array);
  });
});

describeCache(CONFIGURATIONS, ({ open, isFrozen }) => {
  describe.each(CODECS)('with %s', (codec) => {
    const isIsolated = (values: readonly { rows: number[] }[]): void => {
      if (isFrozen) {
        for (const value of values) expect(Object.isFrozen(value.rows)).toBe(true);
        return;
      }
      values[1]?.rows.push(2);
      expect(values.map(({ rows }) => rows.length)).toEqual([1, 2, 1, 1, 1]);
    };

    it('gives callers of one tick values of their own, or one that nobody can change', async () => {
      const { cache } = open({ codec });
      isIsolated(
        await Promise.all(
          Array.from({ length: 5 }, () => cache.getOrSet('page', async () => ({ rows: [1] }))),
        ),
      );
    });

    it('gives hits values of their own, or one that nobody can change', async () => {
      const { cache } = open({ codec });
      await cache.set('page', { rows: [1] });
      const hits: { rows: number[] }[] = [];
      for (let i = 0; i < 5; i++) hits.push(await cache.getOrSet('page', () => ({ rows: [0, 0] })));
      isIsolated(hits);
      expect(await cache.get('page')).toEqual({ rows: [1] });
    });
  });
});
