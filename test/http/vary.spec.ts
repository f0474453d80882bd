import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { secondaryKey, varyNames } from '../../lib/http/vary.js';

describe('Vary', () => {
  it('names fields once, sorted, in lower case, and gives * precedence', () => {
    expect(varyNames(['Foo, bar', 'FOO'])).toEqual(['bar', 'foo']);
    expect(varyNames(['', ', *'])).toBe('*');
    expect(varyNames([])).toEqual([]);
  });

  it('distinguishes requests by the named fields only', () => {
    const key = (headers: Record<string, string>) =>
      secondaryKey(['accept-language', 'foo'], headers);
    expect(key({ foo: '1, 2' })).toBe(key({ foo: ' 1,2 ', other: 'x' }));
    expect(key({ foo: '1,2' })).not.toBe(key({ foo: '2,1' }));
    expect(key({ foo: 'a' })).not.toBe(key({ foo: 'A' }));
    expect(key({ foo: '' })).not.toBe(key({}));
    expect(key({ 'accept-language': 'EN, de' })).toBe(key({ 'accept-language': 'en,DE' }));
  });

  it('is injective over the values of the fields', () => {
    const value = fc.option(fc.stringMatching(/^[a-c,"\\ ]{0,6}$/), { nil: undefined });
    fc.assert(
      fc.property(value, value, value, value, (a, b, c, d) => {
        const key = (x: string | undefined, y: string | undefined) =>
          secondaryKey(['x', 'y'], { x, y });
        if (key(a, b) === key(c, d)) {
          expect(key(a, undefined)).toBe(key(c, undefined));
          expect(key(undefined, b)).toBe(key(undefined, d));
        }
      }),
    );
  });
});
