import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseCacheControl } from '../../lib/http/cache-control.js';

const control = (value: string) => parseCacheControl([value]);

describe('Cache-Control', () => {
  it('reads directives in any case, quoted or not, and uses the first of two', () => {
    expect(control('No-Store, mAx-Age="60", max-age=5, s-maxage=7, private="a, b"')).toMatchObject({
      noStore: true,
      maxAge: 60,
      sMaxage: 7,
      private: true,
    });
    expect(parseCacheControl(['max-age=1', 'max-age=2, public'])).toMatchObject({
      maxAge: 1,
      public: true,
    });
  });

  it.each([
    'max-age=abc',
    'max-age=-1',
    'max-age',
    "max-age='60'",
    'max-age= 60',
    'max-age=60.5',
    'max-age=',
  ])('takes %j as no freshness at all', (value) => {
    expect(control(value).maxAge).toBe(0);
  });

  it('ignores directives in quoted strings or with a space before the equals sign', () => {
    expect(control('extension="max-age=3600"').maxAge).toBeUndefined();
    expect(control('max-age =3600').maxAge).toBeUndefined();
  });

  it('caps times and reads max-stale without a value as Infinity', () => {
    expect(control('max-age=99999999999').maxAge).toBe(2 ** 31);
    expect(control('max-stale').maxStale).toBe(Infinity);
    expect(control('max-stale=5').maxStale).toBe(5);
  });

  it('never throws, whatever the field contains', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(() => control(text)).not.toThrow();
      }),
    );
  });
});
