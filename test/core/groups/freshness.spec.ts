import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capExpiry,
  deadlines,
  expiresAt,
  isInFallbackWindow,
  judge,
  shouldRefreshEarly,
} from '../../../lib/core/groups/freshness.js';
import type { Entry } from '../../../lib/ports/entry.js';

const entry = (over: Partial<Entry> = {}): Entry => ({
  key: 'k',
  codec: 'json',
  body: '1',
  createdAt: 0,
  freshUntil: 100,
  staleUntil: 100,
  fallbackUntil: 100,
  cost: 10,
  startTicks: [1],
  tags: [],
  ...over,
});

describe('judge', () => {
  it.each([
    [99, 'fresh', {}],
    [100, 'expired', {}],
    [100, 'stale', { staleUntil: 200 }],
    [200, 'expired', { staleUntil: 200 }],
    [100, 'fallback', { fallbackUntil: 200 }],
    [150, 'stale', { staleUntil: 160, fallbackUntil: 300 }],
    [160, 'fallback', { staleUntil: 160, fallbackUntil: 300 }],
    [300, 'expired', { staleUntil: 160, fallbackUntil: 300 }],
  ] as const)('takes an entry at %i for %s with %j', (now, freshness, over) => {
    expect(judge(entry(over), now, 'valid')).toBe(freshness);
  });

  it('takes an entry for expired after a hard invalidation, whatever its windows', () => {
    for (const now of [0, 100, 150])
      expect(judge(entry({ staleUntil: 200, fallbackUntil: 200 }), now, 'invalidated')).toBe(
        'expired',
      );
  });

  it('takes an entry for stale at best after a soft invalidation, and for expired without a window', () => {
    expect(judge(entry({ staleUntil: 200 }), 0, 'soft')).toBe('stale');
    expect(judge(entry({ fallbackUntil: 200 }), 0, 'soft')).toBe('fallback');
    expect(judge(entry(), 0, 'soft')).toBe('expired');
  });
});

describe('deadlines', () => {
  it('only shorten the ttl, by at most the share that jitter allows, and come in order', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.integer({ min: 1, max: 1e8 }),
        fc.nat(1e6),
        fc.nat(1e6),
        share,
        share,
        (now, ttl, stale, error, jitter, chance) => {
          const made = deadlines(
            now,
            { ttl, staleWhileRevalidate: stale, staleIfError: error },
            jitter,
            chance,
            0,
          );
          expect(made.freshUntil).toBeLessThanOrEqual(now + ttl);
          expect(made.freshUntil).toBeGreaterThan(now);
          expect(made.freshUntil).toBeGreaterThanOrEqual(now + Math.floor(ttl * (1 - jitter)));
          expect(made.staleUntil - made.freshUntil).toBe(stale);
          expect(made.fallbackUntil - made.freshUntil).toBe(error);
          expect(expiresAt(made)).toBe(made.freshUntil + Math.max(stale, error));
        },
      ),
    );
  });

  it('end with an open settle window, and disregard a past one', () => {
    const windows = { ttl: 1_000, staleWhileRevalidate: 500, staleIfError: 500 };
    expect(deadlines(100, windows, 0, 0, 150)).toEqual({
      freshUntil: 150,
      staleUntil: 150,
      fallbackUntil: 150,
    });
    expect(deadlines(100, windows, 0, 0, 100)).toEqual({
      freshUntil: 1_100,
      staleUntil: 1_600,
      fallbackUntil: 1_600,
    });
  });

  it('spread ten thousand entries that were stored together over the jitter window', () => {
    const buckets = new Map<number, number>();
    for (let i = 0; i < 10_000; i++) {
      const { freshUntil } = deadlines(
        0,
        { ttl: 30_000, staleWhileRevalidate: 0, staleIfError: 0 },
        0.1,
        i / 10_000,
        0,
      );
      const bucket = Math.floor(freshUntil / 100);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    // 30 buckets of 100 ms in the window of 3 s: none has more than three times its share.
    expect(Math.max(...buckets.values())).toBeLessThanOrEqual((3 * 10_000) / 30);
  });
});

describe('shouldRefreshEarly', () => {
  it('says yes from a share of the ttl on', () => {
    expect([49, 50, 99].map((now) => shouldRefreshEarly(entry(), now, 0.5, 1))).toEqual([
      false,
      true,
      true,
    ]);
    expect(shouldRefreshEarly(entry(), 99, false, 0.001)).toBe(false);
  });

  it('says yes by chance, the likelier the more expensive the load and the nearer the end', () => {
    expect(shouldRefreshEarly(entry(), 99, 'xfetch', 1)).toBe(false);
    // -10 ln(0.5) is 6.93: due from 93.07 on.
    expect([93, 94].map((now) => shouldRefreshEarly(entry(), now, 'xfetch', 0.5))).toEqual([
      false,
      true,
    ]);
    expect(shouldRefreshEarly(entry({ cost: 100 }), 31, 'xfetch', 0.5)).toBe(true);
    expect(shouldRefreshEarly(entry({ cost: 0 }), 99, 'xfetch', 0.5)).toBe(false);
  });
});

describe('isInFallbackWindow', () => {
  it('is true until the end of the fallback window, and never without one', () => {
    const moments = [99, 199, 200];
    expect(moments.map((now) => isInFallbackWindow(entry({ fallbackUntil: 200 }), now))).toEqual([
      true,
      true,
      false,
    ]);
    expect(isInFallbackWindow(entry(), 50)).toBe(false);
  });
});

describe('capExpiry', () => {
  it('shortens every window that ends after the cap, and no other', () => {
    const long = entry({ staleUntil: 200, fallbackUntil: 300 });
    expect(capExpiry(long, 250)).toEqual({ ...long, fallbackUntil: 250 });
    expect(capExpiry(long, 50)).toEqual(
      entry({ freshUntil: 50, staleUntil: 50, fallbackUntil: 50 }),
    );
    expect(capExpiry(long, 400)).toEqual(long);
  });
});
