import { parseCacheControl } from './cache-control.js';
import { requestHeader, type RequestHeaders } from './headers.js';
import { currentAge, freshnessLeft, type StoredResponse } from './stored-response.js';

/** What a request asks of a cache (RFC 9111 section 5.2.1). */
export interface RequestWishes {
  readonly noStore: boolean;
  /** A stored response is not good enough. */
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  /** Seconds. */
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
  readonly maxStale: number | undefined;
}

const NO_WISHES: RequestWishes = Object.freeze({
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
});

export function readWishes(headers: RequestHeaders): RequestWishes {
  const field = requestHeader(headers, 'cache-control');
  if (field === undefined) {
    // The one meaning Pragma ever had (RFC 9111 section 5.4).
    return requestHeader(headers, 'pragma')?.toLowerCase().includes('no-cache') === true
      ? { ...NO_WISHES, noCache: true }
      : NO_WISHES;
  }
  const { noStore, noCache, onlyIfCached, maxAge, minFresh, maxStale } = parseCacheControl([field]);
  return { noStore, noCache, onlyIfCached, maxAge, minFresh, maxStale };
}

/** Whether a stored response is one the request accepts; `max-stale` reaches only as far as the response may be served stale at all. */
export function satisfies(stored: StoredResponse, wishes: RequestWishes, now: number): boolean {
  if (wishes.noCache || wishes.noStore) return false;
  const age = currentAge(stored, now);
  const left = freshnessLeft(stored, now) / 1000;
  if (wishes.maxAge !== undefined && age > wishes.maxAge) return false;
  if (wishes.maxAge === 0) return false;
  if (wishes.minFresh !== undefined && left < wishes.minFresh) return false;
  return left > 0 || wishes.maxStale === undefined || -left <= wishes.maxStale;
}

/** Methods that change nothing (RFC 9110 section 9.2.1); every other method may have changed the target. */
const SAFE: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'REPORT',
  'SEARCH',
]);

export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/** A success or a redirect: only then did an unsafe method change its target (RFC 9111 section 4.4). */
export function isNonError(status: number): boolean {
  return status >= 200 && status < 400;
}

const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

/**
 * Why a GET or HEAD goes past the cache whatever is stored: it carries a body, asks for a range, has a precondition that is for the origin to judge
 * (RFC 9110 sections 13.1.1 and 13.1.4), or pretends to be another method.
 * A cache that does not look at these can be made to store an answer to something else than its key says.
 */
export function mustBypass(
  headers: RequestHeaders,
): 'body' | 'range' | 'precondition' | 'method-override' | 'upgrade' | undefined {
  const length = requestHeader(headers, 'content-length');
  if ((length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined)
    return 'body';
  if (headers.range !== undefined) return 'range';
  if (headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined)
    return 'precondition';
  if (METHOD_OVERRIDES.some((name) => headers[name] !== undefined)) return 'method-override';
  return headers.upgrade === undefined ? undefined : 'upgrade';
}
