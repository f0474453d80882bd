import { describe, expect, it } from 'vitest';
import { keyFromArguments } from '../../../lib/core/key/key.js';
import { derivedKeys } from '../../../lib/nest/method/key.js';
import { CacheKeyError } from '../../../lib/ports/errors.js';

describe('derivedKeys', () => {
  it('makes the keys of the segment and the arguments, remembered or not, however many', () => {
    const derive = derivedKeys('Accounts.find');
    const texts = [
      ...Array.from({ length: 4_500 }, (_, i) => `acct-${String(i)}`),
      '',
      '1',
      'null',
      'tenant:x/',
      'é',
      'x'.repeat(300),
    ];
    for (let round = 0; round < 2; round++) {
      for (const text of texts)
        expect(derive([text]).text).toBe(keyFromArguments('Accounts.find', [text]).text);
    }
  });

  it('tells a string from the number that reads like it, and from more arguments', () => {
    const derive = derivedKeys('s');
    const calls = [['1'], [1], [0], [-0], [NaN], ['1', undefined], ['1', 2], [undefined], []];
    for (let round = 0; round < 2; round++) {
      expect(calls.map((args) => derive(args).text)).toEqual(
        calls.map((args) => keyFromArguments('s', args).text),
      );
    }
    expect(derive(['1']).text).not.toBe(derive([1]).text);
    expect(derive([0]).text).not.toBe(derive([-0]).text);
  });

  it('throws each time for an argument without canonical text', () => {
    const derive = derivedKeys('s');
    for (let i = 0; i < 2; i++) expect(() => derive(['\uD800'])).toThrow(CacheKeyError);
  });
});
