import type { Entry } from '../../ports/entry.js';
import type { Millis } from '../../ports/time.js';

/** How the invalidations of its groups bear on an entry. */
export type Validity = 'valid' | 'soft' | 'invalidated';

/** What an entry may be used for now. */
export type Freshness = 'fresh' | 'stale' | 'fallback' | 'expired';

/**
 * Judges an entry by its windows and its validity. Pure, over absolute moments in shared time. In
 * the words of RFC 5861, stale is stale-while-revalidate and fallback is stale-if-error.
 */
export function judge(entry: Entry, now: Millis, validity: Validity): Freshness {
  if (validity === 'invalidated') return 'expired';
  if (validity === 'valid' && now < entry.freshUntil) return 'fresh';
  // A soft invalidation ends the ttl: without a stale window nothing of the entry is left.
  if (now < entry.staleUntil && entry.staleUntil > entry.freshUntil) return 'stale';
  return isInFallbackWindow(entry, now) ? 'fallback' : 'expired';
}

/** May the entry answer a call whose production failed (staleIfError)? */
export function isInFallbackWindow(entry: Entry, now: Millis): boolean {
  return now < entry.fallbackUntil && entry.fallbackUntil > entry.freshUntil;
}

/** The windows of one production. They add up: the others begin after the ttl. */
export interface Windows {
  readonly ttl: Millis;
  readonly staleWhileRevalidate: Millis;
  readonly staleIfError: Millis;
}

export interface Deadlines {
  readonly freshUntil: Millis;
  readonly staleUntil: Millis;
  readonly fallbackUntil: Millis;
}

/**
 * @param jitter the largest share of the ttl that is taken away at random, 0 to 1. It only
 * shortens, so that `ttl` stays an upper bound
 * @param random 0 to 1
 * @param settleUntil when in the future: the load may have read a lagging replica, so nothing of
 * the entry is usable beyond that moment
 */
export function deadlines(
  now: Millis,
  windows: Windows,
  jitter: number,
  random: number,
  settleUntil: Millis,
): Deadlines {
  const cap = settleUntil > now ? settleUntil : Infinity;
  const freshUntil = now + Math.max(1, Math.round(windows.ttl * (1 - jitter * random)));
  return {
    freshUntil: Math.min(freshUntil, cap),
    staleUntil: Math.min(freshUntil + windows.staleWhileRevalidate, cap),
    fallbackUntil: Math.min(freshUntil + windows.staleIfError, cap),
  };
}

/** The entry with none of its windows beyond `cap`. */
export function capExpiry(entry: Entry, cap: Millis): Entry {
  return {
    ...entry,
    freshUntil: Math.min(entry.freshUntil, cap),
    staleUntil: Math.min(entry.staleUntil, cap),
    fallbackUntil: Math.min(entry.fallbackUntil, cap),
  };
}

/** When the last window of the entry ends. */
export function expiresAt(entry: Deadlines): Millis {
  return Math.max(entry.freshUntil, entry.staleUntil, entry.fallbackUntil);
}

/**
 * Should a fresh entry be refreshed early? `'xfetch'`: when `now - cost * ln(random)` reaches the
 * end of the ttl, so the likelier the nearer the end and the more expensive the load (Vattani,
 * Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015, beta 1).
 * A number: once that share of the ttl has passed.
 * @param random in (0, 1]
 */
export function shouldRefreshEarly(
  entry: Entry,
  now: Millis,
  rule: 'xfetch' | number | false,
  random: number,
): boolean {
  if (rule === false) return false;
  if (rule === 'xfetch') return now - entry.cost * Math.log(random) >= entry.freshUntil;
  return now - entry.createdAt >= rule * (entry.freshUntil - entry.createdAt);
}
