import { describe, expect, it } from 'vitest';
import {
  isNonError,
  isSafe,
  mustBypass,
  parseRequestDirectives,
  satisfies,
} from '../../lib/http/request.js';
import {
  currentAgeSeconds,
  freshnessLeftMs,
  type StoredResponse,
} from '../../lib/http/stored-response.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);

describe('the directives of a request', () => {
  const stored = { storedAt: NOW - 10_000, initialAge: 5, freshMs: 60_000 } as StoredResponse;
  const accepts = (value: string) =>
    satisfies(stored, parseRequestDirectives({ 'cache-control': value }), NOW);

  it('adds the initial age to the time since storing', () => {
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

  it('respects Pragma: no-cache only without Cache-Control', () => {
    expect(parseRequestDirectives({ pragma: 'No-Cache' }).noCache).toBe(true);
    expect(
      parseRequestDirectives({ pragma: 'no-cache', 'cache-control': 'max-age=5' }).noCache,
    ).toBe(false);
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

  it('knows which methods are safe and which statuses are no errors', () => {
    expect(['GET', 'HEAD', 'OPTIONS'].every(isSafe)).toBe(true);
    expect(['POST', 'PUT', 'PATCH', 'DELETE', 'M-SEARCH', 'get'].some(isSafe)).toBe(false);
    expect([200, 204, 302].every(isNonError)).toBe(true);
    expect([100, 400, 500].some(isNonError)).toBe(false);
  });
});
