import type { Entry } from '../../ports/entry.js';

/** How an entry stands towards the invalidations of its groups. */
export type Validity = 'current' | 'soft' | 'dead';

/** What an entry may be used for now. */
export type Freshness = 'fresh' | 'stale' | 'fallback' | 'expired';

/** The windows of an entry; pure, over absolute moments in shared time. RFC 5861 names: stale is staleWhileRevalidate, fallback is staleIfError. */
export function judge(entry: Entry, now: number, standing: Validity): Freshness {
  if (standing === 'dead') return 'expired';
  if (standing === 'current' && now < entry.freshUntil) return 'fresh';
  // A softly invalidated entry is one whose ttl has ended: without a window there is nothing left of it.
  if (now < entry.staleUntil && entry.staleUntil > entry.freshUntil) return 'stale';
  return now < entry.fallbackUntil && entry.fallbackUntil > entry.freshUntil
    ? 'fallback'
    : 'expired';
}

/** The windows of one production, in milliseconds. */
export interface Windows {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

export interface Deadlines {
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly fallbackUntil: number;
}

/**
 * Windows add up after the (possibly shortened) ttl.
 * @param jitter share of the ttl that chance may take away, 0 to 1; only shortens, so that `ttl` stays an upper bound
 * @param chance 0 to 1
 * @param settleUntil when in the future: the load may have read a lagging replica, and nothing of it is usable beyond that moment
 */
export function deadlines(
  now: number,
  windows: Windows,
  jitter: number,
  chance: number,
  settleUntil: number,
): Deadlines {
  const cap = settleUntil > now ? settleUntil : Infinity;
  const freshUntil = now + Math.max(1, Math.round(windows.ttl * (1 - jitter * chance)));
  return {
    freshUntil: Math.min(freshUntil, cap),
    staleUntil: Math.min(freshUntil + windows.staleWhileRevalidate, cap),
    fallbackUntil: Math.min(freshUntil + windows.staleIfError, cap),
  };
}

/** The entry with none of its windows beyond that moment. */
export function capExpiry(entry: Entry, cap: number): Entry {
  return {
    ...entry,
    freshUntil: Math.min(entry.freshUntil, cap),
    staleUntil: Math.min(entry.staleUntil, cap),
    fallbackUntil: Math.min(entry.fallbackUntil, cap),
  };
}

/** When the entry is of no use to anyone. */
export function expiresAt(entry: Deadlines): number {
  return Math.max(entry.freshUntil, entry.staleUntil, entry.fallbackUntil);
}

/**
 * Should a fresh entry be refreshed early? `'xfetch'`: when `now - cost * ln(chance) >= freshUntil`, so that the sooner the end and the dearer the
 * load, the likelier (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015, beta 1).
 * A number: once that share of the ttl has passed.
 * @param chance in (0, 1]
 */
export function shouldRefreshEarly(
  entry: Entry,
  now: number,
  rule: 'xfetch' | number | false,
  chance: number,
): boolean {
  if (rule === false) return false;
  if (rule === 'xfetch') return now - entry.cost * Math.log(chance) >= entry.freshUntil;
  return now - entry.createdAt >= rule * (entry.freshUntil - entry.createdAt);
}
