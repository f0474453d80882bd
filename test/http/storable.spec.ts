import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../lib/http/headers.js';
import { judgeStorability, type StoringRules } from '../../lib/http/storable.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);

describe('judgeStorability', () => {
  const rules: StoringRules = {
    ttlMs: 60_000,
    staleWhileRevalidateMs: 1_000,
    staleIfErrorMs: 2_000,
    authenticated: false,
  };
  const judge = (headers: HeaderList, status = 200, changed: Partial<StoringRules> = {}) =>
    judgeStorability({ status, headers, receivedAt: NOW }, { ...rules, ...changed });

  it('uses the ttl of the route when the response declares no freshness', () => {
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

  it('prefers the freshness that the response declares, minus its age', () => {
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

  it('stores other statuses if the route lists them or the response declares its freshness', () => {
    expect(judge([], 201, { statuses: [201] })).toMatchObject({ store: true });
    expect(judge([], 200, { statuses: [201] })).toEqual({ store: false, reason: 'status' });
    expect(judge([['cache-control', 'max-age=9']], 500)).toMatchObject({
      store: true,
      freshMs: 9_000,
    });
  });

  it('stores a response to an authenticated request only if the response allows it', () => {
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
