import CachePolicy from 'http-cache-semantics';
import fresh from 'fresh';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNotModified } from '../../lib/http/conditional.js';
import { toHeaderList } from '../../lib/http/headers.js';
import { judgeStorability } from '../../lib/http/storable.js';

/**
 * Parts on which this cache and the oracles agree what they mean. Where they differ on purpose is
 * said at the test.
 */
const directive = fc.constantFrom(
  'no-store',
  'private',
  'public',
  'max-age=0',
  'max-age=100',
  's-maxage=50',
  'must-revalidate',
  'no-transform',
  'foo=bar',
);
const status = fc.constantFrom(
  200,
  203,
  204,
  300,
  301,
  302,
  307,
  308,
  404,
  405,
  410,
  414,
  501,
  201,
  403,
  599,
);

describe('against http-cache-semantics', () => {
  it('stores and reuses the same responses as http-cache-semantics', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(directive, { maxLength: 4 }),
        status,
        fc.option(fc.constantFrom(-100, 100), { nil: undefined }),
        fc.constantFrom(undefined, 'Bearer x'),
        (directives, code, expiresIn, authorization) => {
          const now = Date.now();
          const headers: Record<string, string> = { date: new Date(now).toUTCString() };
          if (directives.length > 0) headers['cache-control'] = directives.join(', ');
          if (expiresIn !== undefined)
            headers.expires = new Date(now + expiresIn * 1000).toUTCString();
          const request = {
            url: '/',
            method: 'GET',
            headers: { host: 'a', ...(authorization !== undefined && { authorization }) },
          };
          const oracle = new CachePolicy(
            request,
            { status: code, headers },
            { shared: true, cacheHeuristic: 0 },
          );
          const verdict = judgeStorability(
            { status: code, headers: toHeaderList(headers), receivedAt: now },
            {
              ttlMs: undefined,
              staleWhileRevalidateMs: 0,
              staleIfErrorMs: 0,
              authenticated: authorization !== undefined,
            },
          );
          // Of two the oracle takes the last.
          if (directives.filter((name) => name.startsWith('max-age')).length > 1) return;
          // The oracle does not store statuses it does not know even when told how long, nor reuse
          // anything with must-revalidate.
          if (
            code === 201 ||
            code === 403 ||
            code === 599 ||
            directives.includes('must-revalidate')
          )
            return;
          expect(verdict.store).toBe(oracle.storable() && oracle.timeToLive() > 0);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('against fresh', () => {
  const tag = fc.constantFrom('"a"', '"b"', 'W/"a"', 'W/"b"', '"a,b"');
  const time = fc
    .integer({ min: 0, max: 3 })
    .map((hours) => new Date(Date.UTC(2026, 0, 1, hours)).toUTCString());

  it('answers 304 to the same requests as fresh', () => {
    fc.assert(
      fc.property(
        fc.option(
          fc.oneof(
            fc.array(tag, { minLength: 1, maxLength: 3 }).map((tags) => tags.join(', ')),
            fc.constant('*'),
          ),
          { nil: undefined },
        ),
        fc.option(time, { nil: undefined }),
        fc.option(tag, { nil: undefined }),
        fc.option(time, { nil: undefined }),
        (noneMatch, since, etag, lastModified) => {
          // The oracle splits at commas within a tag, and takes a request without conditions, or a
          // tag that is not there, in its own way.
          if (
            noneMatch?.includes('a,b') === true ||
            etag === '"a,b"' ||
            (noneMatch === undefined && since === undefined)
          )
            return;
          const request = {
            ...(noneMatch !== undefined && { 'if-none-match': noneMatch }),
            ...(since !== undefined && { 'if-modified-since': since }),
          };
          const response = {
            ...(etag !== undefined && { etag }),
            ...(lastModified !== undefined && { 'last-modified': lastModified }),
          };
          expect(isNotModified(request, { etag, lastModified }, Date.now())).toBe(
            fresh(request, response),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('distinguishes entity tags that contain a comma', () => {
    expect(
      isNotModified({ 'if-none-match': '"a,b"' }, { etag: '"a,b"', lastModified: undefined }, 0),
    ).toBe(true);
    expect(
      isNotModified({ 'if-none-match': '"a", "b"' }, { etag: '"a,b"', lastModified: undefined }, 0),
    ).toBe(false);
    // A backslash is a character of a tag like any other.
    expect(
      isNotModified({ 'if-none-match': '"a\\", "b"' }, { etag: '"b"', lastModified: undefined }, 0),
    ).toBe(true);
    expect(
      isNotModified({ 'if-none-match': '"a\\"' }, { etag: 'W/"a\\"', lastModified: undefined }, 0),
    ).toBe(true);
  });

  it('evaluates If-Modified-Since only without If-None-Match', () => {
    const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    const headers = { 'if-none-match': '"x"', 'if-modified-since': lastModified };
    expect(isNotModified(headers, { etag: '"y"', lastModified }, 0)).toBe(false);
    expect(
      isNotModified({ 'if-modified-since': 'yesterday' }, { etag: undefined, lastModified }, 0),
    ).toBe(false);
  });
});
