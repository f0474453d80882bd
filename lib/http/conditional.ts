import { requestHeader, splitTags, type RequestHeaders } from './headers.js';
import { parseHttpDate } from './http-date.js';

export interface Validators {
  readonly etag: string | undefined;
  /** The value of `Last-Modified`. */
  readonly lastModified: string | undefined;
}

/**
 * Whether a GET or HEAD is answered by 304 (RFC 9110 section 13): by `If-None-Match` with weak
 * comparison, or, only without it, by `If-Modified-Since`. Applies only where the response would
 * otherwise be a 2xx.
 */
export function isNotModified(request: RequestHeaders, stored: Validators, now: number): boolean {
  const noneMatch = requestHeader(request, 'if-none-match');
  if (noneMatch !== undefined) return matches(noneMatch, stored.etag);
  const since = requestHeader(request, 'if-modified-since');
  if (since === undefined || stored.lastModified === undefined) return false;
  const sinceAt = parseHttpDate(since, now);
  const changedAt = parseHttpDate(stored.lastModified, now);
  return sinceAt !== undefined && changedAt !== undefined && changedAt <= sinceAt;
}

/**
 * Whether a GET or HEAD is answered by 412 (RFC 9110 section 13.2.2): by `If-Match` with strong
 * comparison, or, only without it, by `If-Unmodified-Since`. Applies only where the response would
 * otherwise be a 2xx.
 */
export function isPreconditionFailed(
  request: RequestHeaders,
  stored: Validators,
  now: number,
): boolean {
  const match = requestHeader(request, 'if-match');
  if (match !== undefined) {
    if (match.trim() === '*') return false;
    const { etag } = stored;
    return etag === undefined || etag.startsWith('W/') || !splitTags(match).includes(etag);
  }
  const since = requestHeader(request, 'if-unmodified-since');
  if (since === undefined || stored.lastModified === undefined) return false;
  const sinceAt = parseHttpDate(since, now);
  const changedAt = parseHttpDate(stored.lastModified, now);
  return sinceAt !== undefined && changedAt !== undefined && changedAt > sinceAt;
}

function matches(field: string, etag: string | undefined): boolean {
  if (field.trim() === '*') return true;
  if (etag === undefined) return false;
  const opaque = withoutWeakness(etag);
  return splitTags(field).some((candidate) => withoutWeakness(candidate) === opaque);
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
