import { parseCacheControl, type CacheControl } from './cache-control.js';
import {
  explicitLifetime,
  heuristicLifetime,
  HEURISTIC_STATUSES,
  initialAge,
} from './freshness.js';
import { valuesOf, type HeaderList } from './headers.js';
import { varyNames } from './vary.js';

/** The route's rules for storing; times in milliseconds. */
export interface StoringRules {
  /** The freshness of a response that declares none; undefined: such a response is not stored. */
  readonly ttlMs: number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Statuses stored without declared freshness; default: those that are cacheable by default. */
  readonly statuses?: readonly number[] | undefined;
  /** The request was authenticated, and its identity is not in the key (RFC 9111 section 3.5). */
  readonly authenticated: boolean;
}

export interface ResponseFacts {
  readonly status: number;
  readonly headers: HeaderList;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

export type Storability =
  | { readonly store: false; readonly reason: NotStorableReason }
  | {
      readonly store: true;
      /** Seconds. */
      readonly initialAge: number;
      /** Milliseconds. */
      readonly freshMs: number;
      readonly staleMs: number;
      readonly fallbackMs: number;
      readonly vary: readonly string[];
    };

/** Why a response is not stored; sent as the detail of `Cache-Status`. */
export type NotStorableReason =
  | 'no-store'
  | 'private'
  | 'set-cookie'
  | 'vary-star'
  | 'status'
  | 'no-cache'
  | 'authorization'
  | 'stale'
  | 'no-freshness';

/**
 * The final statuses that this cache understands; others are stored when fresh, but not with `must-
 * understand`.
 */
const UNDERSTOOD_STATUSES: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 500, 501,
  502, 503, 504,
]);

/** Statuses of responses that are incomplete or have no content of their own. */
const INCOMPLETE_STATUSES: ReadonlySet<number> = new Set([206, 304]);

/**
 * Decides whether a shared cache may store the response, and for how long it is usable (RFC 9111
 * sections 3 and 4.2, RFC 5861).
 */
export function judgeStorability(response: ResponseFacts, rules: StoringRules): Storability {
  const { status, headers, receivedAt } = response;
  const control = parseCacheControl(valuesOf(headers, 'cache-control'));
  const refusal = notStorableReason(status, headers, control, rules);
  if (refusal !== undefined) return { store: false, reason: refusal };
  const vary = varyNames(valuesOf(headers, 'vary'));
  if (vary === '*') return { store: false, reason: 'vary-star' };

  const explicit = explicitLifetime(headers, control, receivedAt);
  const allowed = rules.statuses?.includes(status) ?? HEURISTIC_STATUSES.has(status);
  if (explicit === undefined && !allowed && !control.public)
    return { store: false, reason: 'status' };
  const given = rules.ttlMs ?? seconds(heuristicLifetime(status, headers, control, receivedAt));
  const lifetimeMs = explicit === undefined ? given : explicit * 1000;
  if (lifetimeMs === undefined) return { store: false, reason: 'no-freshness' };
  const age = initialAge(headers, receivedAt);
  // A ttl of the route counts from now; a declared freshness counts from when it was made.
  const freshMs =
    explicit === undefined && rules.ttlMs !== undefined ? lifetimeMs : lifetimeMs - age * 1000;
  if (freshMs <= 0) return { store: false, reason: 'stale' };
  return { store: true, initialAge: age, freshMs, vary, ...staleWindows(control, rules) };
}

function notStorableReason(
  status: number,
  headers: HeaderList,
  control: CacheControl,
  rules: StoringRules,
): NotStorableReason | undefined {
  if (INCOMPLETE_STATUSES.has(status) || status < 200) return 'status';
  if (control.mustUnderstand && !UNDERSTOOD_STATUSES.has(status)) return 'status';
  // With must-understand, no-store is for caches that do not know the status (section 5.2.2.3).
  if (control.noStore && !control.mustUnderstand) return 'no-store';
  if (control.private) return 'private';
  if (control.noCache) return 'no-cache';
  if (valuesOf(headers, 'set-cookie').length > 0) return 'set-cookie';
  if (
    rules.authenticated &&
    !control.public &&
    !control.mustRevalidate &&
    control.sMaxage === undefined
  )
    return 'authorization';
  return undefined;
}

/**
 * The response overrides the rules; one that must not be served stale has no windows (sections
 * 4.2.4 and 5.2.2).
 */
function staleWindows(
  control: CacheControl,
  rules: StoringRules,
): { staleMs: number; fallbackMs: number } {
  if (control.mustRevalidate || control.proxyRevalidate || control.sMaxage !== undefined)
    return { staleMs: 0, fallbackMs: 0 };
  return {
    staleMs: seconds(control.staleWhileRevalidate) ?? rules.staleWhileRevalidateMs,
    fallbackMs: seconds(control.staleIfError) ?? rules.staleIfErrorMs,
  };
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}
