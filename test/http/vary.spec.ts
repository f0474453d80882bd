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
    expect(key({ foo: '1, 2' })).toBe(key({ foo: '1, 2', other: 'x' }));
    expect(key({ foo: '1,2' })).not.toBe(key({ foo: '2,1' }));
    expect(key({ foo: 'a' })).not.toBe(key({ foo: 'A' }));
    expect(key({ foo: '' })).not.toBe(key({}));
  });

  it('compares a field as the client sent it, whatever it looks like', () => {
    const key = (value: string) => secondaryKey(['x-tenant'], { 'x-tenant': value });
    const values = [
      'acme',
      'acme,',
      ',acme',
      'acme,,',
      ', acme',
      'acme ,',
      'a,b',
      'a, b',
      '"acme"',
    ];
    expect(new Set(values.map(key)).size).toBe(values.length);
  });

  it.each(['accept', 'accept-language', 'accept-encoding', 'accept-charset'])(
    'ignores white space around the members of %s, and nothing that could be a member',
    (name) => {
      const key = (value: string) => secondaryKey([name], { [name]: value });
      expect(key('a;q=1 ,\tb')).toBe(key('a;q=1, b'));
      const values = ['a', 'a,', ',a', 'a,,b', 'a,b', 'b,a', '"a, b"', '"a,b"', 'a b', ''];
      expect(new Set(values.map(key)).size).toBe(values.length);
      expect(key('EN, de') === key('en,DE')).toBe(name !== 'accept');
    },
  );

  it('takes a name that every object has for a field that is absent', () => {
    expect(secondaryKey(['constructor', 'tostring'], {})).toBe('[null,null]');
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
