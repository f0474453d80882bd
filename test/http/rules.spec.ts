import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseCacheControl } from '../../lib/http/cache-control.js';
import { formatCacheStatus } from '../../lib/http/cache-status.js';
import { weakEtag } from '../../lib/http/etag.js';
import { explicitLifetime, heuristicLifetime, initialAge } from '../../lib/http/freshness.js';
import type { HeaderList } from '../../lib/http/headers.js';
import { parseHttpDate } from '../../lib/http/http-date.js';
import { isNonError, isSafe, mustBypass, parseRequestDirectives, satisfies } from '../../lib/http/request.js';
import { judgeStorability, type StoringRules } from '../../lib/http/storable.js';
import { currentAgeSeconds, freshnessLeftMs, type StoredResponse } from '../../lib/http/stored-response.js';
import { secondaryKey, varyNames } from '../../lib/http/vary.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);
const date = (offsetSeconds: number): string => new Date(NOW + offsetSeconds * 1000).toUTCString();
const control = (value: string) => parseCacheControl([value]);

describe('Cache-Control', () => {
  it('reads directives in any case, quoted or not, and takes the first of two', () => {
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

  it('does not see directives within quoted strings, nor with a space before the equals sign', () => {
    expect(control('extension="max-age=3600"').maxAge).toBeUndefined();
    expect(control('max-age =3600').maxAge).toBeUndefined();
  });

  it('caps times and reads max-stale without a value as any', () => {
    expect(control('max-age=99999999999').maxAge).toBe(2 ** 31);
    expect(control('max-stale').maxStale).toBe(Infinity);
    expect(control('max-stale=5').maxStale).toBe(5);
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(() => control(text)).not.toThrow();
      }),
    );
  });
});

describe('HTTP dates', () => {
  it('round-trips every date in the form that is to be sent', () => {
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

describe('age and freshness', () => {
  it.each<[HeaderList, number]>([
    [[], 0],
    [[['age', '30']], 30],
    [[['age', '30, 40']], 30],
    [
      [
        ['age', '30'],
        ['age', '40'],
      ],
      30,
    ],
    [[['age', 'abc']], 0],
    [[['age', '-5']], 0],
    [[['age', '5.0']], 0],
    [[['date', date(-100)]], 100],
    [
      [
        ['date', date(-100)],
        ['age', '30'],
      ],
      100,
    ],
    [
      [
        ['date', date(100)],
        ['age', '30'],
      ],
      30,
    ],
  ])('takes the greater of Age and the apparent age: %j', (headers, age) => {
    expect(initialAge(headers, NOW)).toBe(age);
  });

  it.each<[HeaderList, string, number | undefined]>([
    [[], 's-maxage=5, max-age=9', 5],
    [[['expires', date(100)]], 'max-age=9', 9],
    [[['expires', date(100)]], '', 100],
    [
      [
        ['expires', date(100)],
        ['date', date(40)],
      ],
      '',
      60,
    ],
    [[['expires', '0']], '', 0],
    [
      [
        ['expires', date(100)],
        ['expires', date(100)],
      ],
      '',
      0,
    ],
    [[], '', undefined],
  ])('takes s-maxage, max-age, Expires in this order: %j %j', (headers, value, lifetime) => {
    expect(explicitLifetime(headers, control(value), NOW)).toBe(lifetime);
  });

  it('guesses a tenth of the time since the last change, at most a day, only where it may', () => {
    const changed = (ago: number): HeaderList => [['last-modified', date(-ago)]];
    expect(heuristicLifetime(200, changed(1000), control(''), NOW)).toBe(100);
    expect(heuristicLifetime(200, changed(86_400_000), control(''), NOW)).toBe(86_400);
    expect(heuristicLifetime(201, changed(1000), control(''), NOW)).toBeUndefined();
    expect(heuristicLifetime(201, changed(1000), control('public'), NOW)).toBe(100);
    expect(heuristicLifetime(200, [], control(''), NOW)).toBeUndefined();
  });
});

describe('judgeResponse', () => {
  const rules: StoringRules = {
    ttlMs: 60_000,
    staleWhileRevalidateMs: 1_000,
    staleIfErrorMs: 2_000,
    authenticated: false,
  };
  const judge = (headers: HeaderList, status = 200, changed: Partial<StoringRules> = {}) =>
    judgeStorability({ status, headers, receivedAt: NOW }, { ...rules, ...changed });

  it('takes the ttl of the route where the response says nothing', () => {
    expect(judge([])).toEqual({
      store: true,
      initialAge: 0,
      freshMs: 60_000,
      staleMs: 1_000,
      fallbackMs: 2_000,
      vary: [],
    });
    expect(judge([], 200, { ttlMs: undefined })).toEqual({ store: false, reason: 'no-freshness' });
  });

  it('takes what the response says before the route, less the age it has', () => {
    expect(
      judge([
        ['cache-control', 'max-age=100, stale-while-revalidate=3, stale-if-error=4'],
        ['age', '40'],
      ]),
    ).toMatchObject({
      freshMs: 60_000,
      initialAge: 40,
      staleMs: 3_000,
      fallbackMs: 4_000,
    });
  });

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=60'])(
    'has no stale windows with %s',
    (value) => {
      expect(judge([['cache-control', `max-age=60, stale-if-error=9, ${value}`]])).toMatchObject({
        staleMs: 0,
        fallbackMs: 0,
      });
    },
  );

  it.each<[HeaderList, number, string]>([
    [[['cache-control', 'no-store']], 200, 'no-store'],
    [[['cache-control', 'private, max-age=9']], 200, 'private'],
    [[['cache-control', 'private="x"']], 200, 'private'],
    [[['cache-control', 'no-cache']], 200, 'no-cache'],
    [[['cache-control', 'max-age=0']], 200, 'stale'],
    [
      [
        ['set-cookie', 'a=b'],
        ['cache-control', 'public, max-age=9'],
      ],
      200,
      'set-cookie',
    ],
    [[['vary', 'a, *']], 200, 'vary-star'],
    [[], 500, 'status'],
    [[], 201, 'status'],
    [[['cache-control', 'max-age=9']], 206, 'status'],
    [[['cache-control', 'max-age=9']], 304, 'status'],
    [[['cache-control', 'max-age=9, must-understand']], 599, 'status'],
  ])('refuses %j with %i because of %s', (headers, status, reason) => {
    expect(judge(headers, status)).toEqual({ store: false, reason });
  });

  it('stores other statuses when the route lists them or the response says how long', () => {
    expect(judge([], 201, { statuses: [201] })).toMatchObject({ store: true });
    expect(judge([], 200, { statuses: [201] })).toEqual({ store: false, reason: 'status' });
    expect(judge([['cache-control', 'max-age=9']], 500)).toMatchObject({
      store: true,
      freshMs: 9_000,
    });
  });

  it('stores what answers a credential only when the response says so', () => {
    expect(judge([], 200, { authenticated: true })).toEqual({
      store: false,
      reason: 'authorization',
    });
    for (const value of ['public', 'must-revalidate', 's-maxage=9']) {
      expect(judge([['cache-control', value]], 200, { authenticated: true })).toMatchObject({
        store: true,
      });
    }
  });
});

describe('Vary', () => {
  it('names fields once, sorted, in lower case, and * above all', () => {
    expect(varyNames(['Foo, bar', 'FOO'])).toEqual(['bar', 'foo']);
    expect(varyNames(['', ', *'])).toBe('*');
    expect(varyNames([])).toEqual([]);
  });

  it('tells requests apart by the named fields only', () => {
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

describe('what a request asks for', () => {
  const stored = { storedAt: NOW - 10_000, initialAge: 5, freshMs: 60_000 } as StoredResponse;
  const accepts = (value: string) => satisfies(stored, parseRequestDirectives({ 'cache-control': value }), NOW);

  it('counts the age from before and from now', () => {
    expect(currentAgeSeconds(stored, NOW)).toBe(15);
    expect(currentAgeSeconds(stored, NOW - 60_000)).toBe(5);
    expect(freshnessLeftMs(stored, NOW)).toBe(50_000);
  });

  it.each<[string, boolean]>([
    ['', true],
    ['max-age=15', true],
    ['max-age=14', false],
    ['max-age=0', false],
    ['min-fresh=50', true],
    ['min-fresh=51', false],
    ['no-cache', false],
    ['no-store', false],
    ['nonsense', true],
  ])('with %j a stored response is accepted: %s', (value, accepted) => {
    expect(accepts(value)).toBe(accepted);
  });

  it('takes Pragma: no-cache only where there is no Cache-Control', () => {
    expect(parseRequestDirectives({ pragma: 'No-Cache' }).noCache).toBe(true);
    expect(parseRequestDirectives({ pragma: 'no-cache', 'cache-control': 'max-age=5' }).noCache).toBe(false);
  });

  it.each<[Record<string, string>, string | undefined]>([
    [{}, undefined],
    [{ 'content-length': '0' }, undefined],
    [{ 'content-length': '5' }, 'body'],
    [{ 'transfer-encoding': 'chunked' }, 'body'],
    [{ range: 'bytes=0-1' }, 'range'],
    [{ 'x-http-method-override': 'DELETE' }, 'method-override'],
    [{ upgrade: 'websocket' }, 'upgrade'],
    [{ 'if-match': '"a"' }, 'precondition'],
    [{ 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }, 'precondition'],
  ])('goes past the cache with %j: %s', (headers, reason) => {
    expect(mustBypass(headers)).toBe(reason);
  });

  it('knows which methods change something and which answers mean they did', () => {
    expect(['GET', 'HEAD', 'OPTIONS'].every(isSafe)).toBe(true);
    expect(['POST', 'PUT', 'PATCH', 'DELETE', 'M-SEARCH', 'get'].some(isSafe)).toBe(false);
    expect([200, 204, 302].every(isNonError)).toBe(true);
    expect([100, 400, 500].some(isNonError)).toBe(false);
  });
});

describe('what goes out', () => {
  it('says what happened as RFC 9211 has it', () => {
    expect(formatCacheStatus({ hit: true, ttl: 12.9 })).toBe('nest-query-cache; hit; ttl=12');
    expect(formatCacheStatus({ hit: true, ttl: -1.5, detail: 'stale' })).toBe(
      'nest-query-cache; hit; ttl=-2; detail=stale',
    );
    expect(formatCacheStatus({ hit: false, fwd: 'uri-miss', stored: true, collapsed: true })).toBe(
      'nest-query-cache; fwd=uri-miss; stored; collapsed',
    );
    expect(formatCacheStatus({ hit: false, fwd: 'bypass', detail: 'say "why"\n\\' })).toBe(
      'nest-query-cache; fwd=bypass; detail="say \\"why\\"?\\\\"',
    );
  });

  it('makes one weak tag for one body', () => {
    expect(weakEtag('a')).toMatch(/^W\/"[\w-]{22}"$/);
    expect(weakEtag('a')).toBe(weakEtag(new TextEncoder().encode('a')));
    expect(weakEtag('a')).not.toBe(weakEtag('b'));
  });
});
