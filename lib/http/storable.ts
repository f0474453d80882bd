import { parseCacheControl, type CacheControl } from './cache-control.js';
import {
  explicitLifetime,
  heuristicLifetime,
  HEURISTIC_STATUSES,
  initialAge,
} from './freshness.js';
import { valuesOf, type HeaderList } from './headers.js';
import { varyNames } from './vary.js';

/** What the route says about storing; times in milliseconds. */
export interface StoringRules {
  /** Fresh for this long when the response says nothing; undefined: such a response is stored only if it says how long it is fresh. */
  readonly ttlMs: number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Stored without a word of the response; by default those that are cacheable by default. */
  readonly statuses?: readonly number[] | undefined;
  /** The request was authenticated and the route does not say how identity enters the key (RFC 9111 section 3.5). */
  readonly authenticated: boolean;
}

export interface ResponseFacts {
  readonly status: number;
  readonly headers: HeaderList;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

export type Verdict =
  | { readonly store: false; readonly reason: Refusal }
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

/** Why a response is not stored; goes out as the detail of `Cache-Status`. */
export type Refusal =
  | 'no-store'
  | 'private'
  | 'set-cookie'
  | 'vary-star'
  | 'status'
  | 'no-cache'
  | 'authorization'
  | 'stale'
  | 'no-freshness';

/** Every final status this cache knows the meaning of; others are stored when fresh, but not with `must-understand`. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 500, 501,
  502, 503, 504,
]);

/** Statuses that mean only part of the response is there, or none of it. */
const NEVER: ReadonlySet<number> = new Set([206, 304]);

/** May a shared cache store this response, and for how long is it usable (RFC 9111 sections 3 and 4.2, RFC 5861)? */
export function judgeResponse(response: ResponseFacts, rules: StoringRules): Verdict {
  const { status, headers, receivedAt } = response;
  const control = parseCacheControl(valuesOf(headers, 'cache-control'));
  const refusal = refuse(status, headers, control, rules);
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
  // A ttl of the route counts from now; what the response says counts from when it was made.
  const freshMs =
    explicit === undefined && rules.ttlMs !== undefined ? lifetimeMs : lifetimeMs - age * 1000;
  if (freshMs <= 0) return { store: false, reason: 'stale' };
  return { store: true, initialAge: age, freshMs, vary, ...staleWindows(control, rules) };
}

function refuse(
  status: number,
  headers: HeaderList,
  control: CacheControl,
  rules: StoringRules,
): Refusal | undefined {
  if (NEVER.has(status) || status < 200) return 'status';
  if (control.mustUnderstand && !UNDERSTOOD.has(status)) return 'status';
  // With must-understand no-store is for caches that do not know the status (section 5.2.2.3).
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

/** What the response says wins; a response that must not be served stale has no windows (sections 4.2.4 and 5.2.2). */
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
