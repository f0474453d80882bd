import type { CacheControl } from './cache-control.js';
import { splitList, valuesOf, type HeaderList } from './headers.js';
import { parseHttpDate } from './http-date.js';

/**
 * Statuses that are stored even if the response does not declare its freshness (RFC 9110 section
 * 15.1), without 206: ranges are not stored.
 */
export const HEURISTIC_STATUSES: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/**
 * The age of the response when it was received, in seconds (RFC 9111 section 4.2.3). Of several
 * `Age` values the first one is used, and one that is not a number is ignored (section 5.1).
 */
export function initialAge(headers: HeaderList, receivedAt: number): number {
  const [first] = valuesOf(headers, 'age').flatMap(splitList);
  const age = first !== undefined && /^\d+$/.test(first) ? Math.min(Number(first), 2 ** 31) : 0;
  const date = dateOf(headers, receivedAt);
  return Math.max(age, date === undefined ? 0 : Math.floor((receivedAt - date) / 1000), 0);
}

/**
 * The freshness that the response declares, in seconds: `s-maxage`, else `max-age`, else `Expires`
 * (RFC 9111 section 4.2.1).
 */
export function explicitLifetime(
  headers: HeaderList,
  control: CacheControl,
  receivedAt: number,
): number | undefined {
  if (control.sMaxage !== undefined) return control.sMaxage;
  if (control.maxAge !== undefined) return control.maxAge;
  const expires = valuesOf(headers, 'expires');
  const [only] = expires;
  if (only === undefined) return undefined;
  // A repeated field, or an invalid date, means already expired (section 5.3).
  const at = expires.length === 1 ? parseHttpDate(only, receivedAt) : undefined;
  return at === undefined
    ? 0
    : Math.max(0, Math.floor((at - (dateOf(headers, receivedAt) ?? receivedAt)) / 1000));
}

/**
 * A tenth of the time since the last change, at most a day, in seconds (RFC 9111 section 4.2.2).
 */
export function heuristicLifetime(
  status: number,
  headers: HeaderList,
  control: CacheControl,
  receivedAt: number,
): number | undefined {
  if (!HEURISTIC_STATUSES.has(status) && !control.public) return undefined;
  const [changed] = valuesOf(headers, 'last-modified');
  const changedAt = changed === undefined ? undefined : parseHttpDate(changed, receivedAt);
  if (changedAt === undefined) return undefined;
  const since = ((dateOf(headers, receivedAt) ?? receivedAt) - changedAt) / 1000;
  return Math.max(0, Math.min(Math.floor(since / 10), 86_400));
}

function dateOf(headers: HeaderList, receivedAt: number): number | undefined {
  const [date] = valuesOf(headers, 'date');
  return date === undefined ? undefined : parseHttpDate(date, receivedAt);
}
