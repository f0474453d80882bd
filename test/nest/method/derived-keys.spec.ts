import { describe, expect, it } from 'vitest';
import { keyFromArguments } from '../../../lib/core/key/key.js';
import { DerivedKeys } from '../../../lib/nest/method/derived-keys.js';
import { CacheKeyError } from '../../../lib/ports/errors.js';

describe('derived keys', () => {
  it('are those of the segment and the arguments, remembered or not, however many there are', () => {
    const keys = new DerivedKeys('Accounts.find');
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
        expect(keys.of([text]).text).toBe(keyFromArguments('Accounts.find', [text]).text);
    }
  });

  it('of one text differ from those of the same text with more arguments, and of the value that reads like it', () => {
    const keys = new DerivedKeys('s');
    const made = [['1'], [1], ['1', undefined], ['1', 2], [undefined], []].map(
      (args) => keys.of(args).text,
    );
    expect(made).toEqual(
      [['1'], [1], ['1', undefined], ['1', 2], [undefined], []].map(
        (args) => keyFromArguments('s', args).text,
      ),
    );
    expect(keys.of(['1']).text).not.toBe(keys.of([1]).text);
  });

  it('are refused every time when there is no canonical text', () => {
    const keys = new DerivedKeys('s');
    for (let i = 0; i < 2; i++) expect(() => keys.of(['\uD800'])).toThrow(CacheKeyError);
  });
});
