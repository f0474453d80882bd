import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { surrogateKey, surrogateKeys } from '../../lib/http/surrogate-keys.js';

const tags = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' });

describe('surrogate keys', () => {
  it.each([
    ['account:7', 'account:7'],
    ['tenant/42@eu.example_x-1', 'tenant/42@eu.example_x-1'],
    ['two words', 'two%20words'],
    ['a,b', 'a%2Cb'],
    ['50%', '50%25'],
    ['x\r\nset-cookie: a=b', 'x%0D%0Aset-cookie:%20a%3Db'],
    ["it's (*)!~", 'it%27s%20%28%2A%29%21%7E'],
    ['größe', 'gr%C3%B6%C3%9Fe'],
  ])('writes %j as %s', (tag, word) => {
    expect(surrogateKey(tag)).toBe(word);
  });

  it('encodes tags as visible ASCII without separators, each differently', () => {
    fc.assert(
      fc.property(tags, tags, (one, other) => {
        expect(surrogateKey(one)).toMatch(/^[!-+\--~]+$/);
        expect(surrogateKey(one) === surrogateKey(other)).toBe(one === other);
        expect(decodeURIComponent(surrogateKey(one))).toBe(one);
      }),
    );
  });

  it('separates unique keys by the separator of the header', () => {
    expect(surrogateKeys(['a', 'b c', 'a'])).toBe('a b%20c');
    expect(surrogateKeys(['a', 'b,c'], 'cache-tag')).toBe('a,b%2Cc');
    expect(surrogateKeys([])).toBe('');
  });

  it('returns undefined when CDNs would cut the field', () => {
    expect(
      surrogateKeys(Array.from({ length: 900 }, (_, i) => `tag:${String(10_000 + i)}`)),
    ).toBeUndefined();
    expect(surrogateKeys(['x'.repeat(1_025)])).toBeUndefined();
    expect(surrogateKeys(['x'.repeat(1_024)])).toHaveLength(1_024);
  });
});
