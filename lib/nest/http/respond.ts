import { formatCacheStatus, type CacheStatus } from '../../http/cache-status.js';
import { isNotModified } from '../../http/conditional.js';
import { splitList, toHeaderList, valuesOf, type OutgoingHeaders } from '../../http/headers.js';
import { currentAge, type StoredResponse } from '../../http/stored-response.js';
import { allowCdn, lifetime, refuseCdn } from './cdn.js';
import type { Exchange } from './request.js';
import type { RoutePlan } from './route.js';

const JSON_TYPE = 'application/json; charset=utf-8';

export function sayCacheStatus(exchange: Exchange, status: CacheStatus): void {
  if (exchange.isSent) return;
  const own = formatCacheStatus(status);
  exchange.setHeader(
    'cache-status',
    exchange.hasHeader('cache-status') ? after(exchange, own) : own,
  );
  exchange.said = own;
}

/** Behind what caches nearer to the origin have said (RFC 9211 section 2), in the place of what was said of this one before. */
function after(exchange: Exchange, own: string): string {
  const members = valuesOf(toHeaderList(exchange.outgoing()), 'cache-status').flatMap(splitList);
  return [...members.filter((member) => member !== exchange.said), own].join(', ');
}

/** Puts status and headers of a stored response on the exchange, as the handler did when it was stored. */
export function restore(exchange: Exchange, stored: StoredResponse): void {
  exchange.status = stored.status;
  const { headers, removed } = stored;
  if (removed !== undefined) for (const name of removed) exchange.removeHeader(name);
  for (let i = 0; i < headers.length; i++) {
    const [name = '', value = ''] = headers[i] ?? [];
    // The lines of one field follow each other.
    let values: string[] | undefined;
    for (let next = headers[i + 1]; next?.[0] === name; next = headers[++i + 1])
      (values ??= [value]).push(next[1]);
    if (name === 'vary') addVary(exchange, values ?? [value]);
    else exchange.setHeader(name, values ?? value);
  }
}

/** Undoes what a failed handler did before it failed. */
export function rewind(exchange: Exchange, before: OutgoingHeaders, status: number): void {
  exchange.status = status;
  for (const name of Object.keys(exchange.outgoing()))
    if (before[name] === undefined) exchange.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined)
      exchange.setHeader(name, typeof value === 'object' ? value : String(value));
  }
}

export interface Finishing {
  /** The response was made for another request. */
  readonly reused: boolean;
  /** A CDN may keep it as well. */
  readonly forCdn: boolean;
}

/** The last headers, and the body to hand to the platform. */
export function finish(
  plan: RoutePlan,
  exchange: Exchange,
  stored: StoredResponse,
  now: number,
  how: Finishing,
): unknown {
  if (how.reused) exchange.setHeader('age', String(currentAge(stored, now)));
  if (plan.vary.length > 0) addVary(exchange, plan.vary);
  const { cacheControl } = plan.http;
  if (cacheControl !== undefined && !exchange.hasHeader('cache-control'))
    exchange.setHeader('cache-control', `${cacheControl}, max-age=${String(lifetime(stored))}`);
  if (plan.cdn !== undefined) {
    if (how.forCdn) allowCdn(plan.cdn, exchange, stored);
    else refuseCdn(plan.cdn, exchange);
  }
  return conclude(exchange, stored, now);
}

/** What an answer needs to be tagged and to be answered by a 304. */
export type Plain = Pick<StoredResponse, 'status' | 'body' | 'json' | 'etag' | 'lastModified'>;

/** The tag, and the body to hand to the platform: ready text for JSON, nothing for a 304. */
export function conclude(exchange: Exchange, stored: Plain, now: number): unknown {
  if (stored.etag !== undefined && !exchange.hasHeader('etag'))
    exchange.setHeader('etag', stored.etag);
  if (stored.status >= 200 && stored.status < 300 && isNotModified(exchange.headers, stored, now)) {
    exchange.status = 304;
    for (const name of [
      'content-type',
      'content-length',
      'content-encoding',
      'content-language',
      'content-range',
    ])
      exchange.removeHeader(name);
    return undefined;
  }
  if (stored.json && !exchange.hasHeader('content-type'))
    exchange.setHeader('content-type', JSON_TYPE);
  return stored.body;
}

function addVary(exchange: Exchange, values: readonly string[]): void {
  const present = valuesOf(toHeaderList(exchange.outgoing()), 'vary').flatMap(splitList);
  const known = new Set(present.map((name) => name.toLowerCase()));
  const added = values.flatMap(splitList).filter((name) => !known.has(name.toLowerCase()));
  if (added.length > 0) exchange.setHeader('vary', [...present, ...added].join(', '));
}
