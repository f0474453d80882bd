import { parseCacheControl } from './cache-control.js';
import { requestHeader, type RequestHeaders } from './headers.js';
import { currentAgeSeconds, freshnessLeftMs, type StoredResponse } from './stored-response.js';

/** The directives of a request for caches (RFC 9111 section 5.2.1); times in seconds. */
export interface RequestDirectives {
  readonly noStore: boolean;
  /** The request does not accept a stored response. */
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  /** The response must not be older. */
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
  readonly maxStale: number | undefined;
}

export const NO_DIRECTIVES: RequestDirectives = Object.freeze({
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
});

export function parseRequestDirectives(headers: RequestHeaders): RequestDirectives {
  const field = requestHeader(headers, 'cache-control');
  if (field === undefined) {
    // The only meaning that Pragma has (RFC 9111 section 5.4).
    return requestHeader(headers, 'pragma')?.toLowerCase().includes('no-cache') === true
      ? { ...NO_DIRECTIVES, noCache: true }
      : NO_DIRECTIVES;
  }
  const { noStore, noCache, onlyIfCached, maxAge, minFresh, maxStale } = parseCacheControl([field]);
  return { noStore, noCache, onlyIfCached, maxAge, minFresh, maxStale };
}

/**
 * Whether the request accepts a stored response. `max-stale` has an effect only while the response
 * may be served stale at all.
 */
export function satisfies(
  stored: StoredResponse,
  directives: RequestDirectives,
  now: number,
): boolean {
  if (directives.noCache || directives.noStore) return false;
  const age = currentAgeSeconds(stored, now);
  const left = freshnessLeftMs(stored, now) / 1000;
  if (directives.maxAge !== undefined && age > directives.maxAge) return false;
  if (directives.maxAge === 0) return false;
  if (directives.minFresh !== undefined && left < directives.minFresh) return false;
  return left > 0 || directives.maxStale === undefined || -left <= directives.maxStale;
}

/** Methods that change nothing (RFC 9110 section 9.2.1); any other may have changed the target. */
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

/**
 * A success or a redirect: otherwise an unsafe method has not changed its target (RFC 9111 section
 * 4.4).
 */
export function isNonError(status: number): boolean {
  return status >= 200 && status < 400;
}

const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

export type BypassReason = 'body' | 'range' | 'precondition' | 'method-override' | 'upgrade';

/**
 * What a GET or HEAD asks for that is not in its key: it has a body, requests a range, has a
 * precondition (RFC 9110 sections 13.1.1 and 13.1.4), or overrides its method. A handler that
 * honours this makes a response that must not be stored under the key.
 */
export function mustBypass(headers: RequestHeaders): BypassReason | undefined {
  const length = requestHeader(headers, 'content-length');
  if ((length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined)
    return 'body';
  if (headers.range !== undefined) return 'range';
  if (headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined)
    return 'precondition';
  if (METHOD_OVERRIDES.some((name) => headers[name] !== undefined)) return 'method-override';
  return headers.upgrade === undefined ? undefined : 'upgrade';
}
