import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseHttpDate } from '../../lib/http/http-date.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);

describe('HTTP dates', () => {
  it('parses every date in the preferred form', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
        const at = new Date(seconds * 1000);
        if (at.getUTCFullYear() >= 1000)
          expect(parseHttpDate(at.toUTCString(), NOW)).toBe(at.getTime());
      }),
    );
  });

  it.each<[string, number]>([
    ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['Thursday, 18-Aug-50 02:01:18 GMT', Date.UTC(2050, 7, 18, 2, 1, 18)],
    ['Sunday, 06-Nov-77 08:49:37 GMT', Date.UTC(1977, 10, 6, 8, 49, 37)],
    ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['THU, 18 AUG 2050 02:01:18 gMT', Date.UTC(2050, 7, 18, 2, 1, 18)],
    ['Sat, 30 Jun 2012 23:59:60 GMT', Date.UTC(2012, 6, 1, 0, 0, 0)],
  ])('reads %j', (text, at) => {
    expect(parseHttpDate(text, NOW)).toBe(at);
  });

  it.each([
    '0',
    '',
    'now',
    'Thu, 18 Aug 2050 02:01:18 UTC',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu 18 Aug 2050 02:01:18 GMT',
    'Thu, 18  Aug  2050 02:01:18 GMT',
    'Thu, 18-Aug-2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 02.01.18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 18 Aug 2050 24:01:18 GMT',
    'Thu, 31 Feb 2050 02:01:18 GMT',
    'Thu, 18 Foo 2050 02:01:18 GMT',
    '2050-08-18T02:01:18Z',
  ])('refuses %j', (text) => {
    expect(parseHttpDate(text, NOW)).toBeUndefined();
  });
});
