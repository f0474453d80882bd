import { formatCacheStatus, type CacheStatus } from '../../http/cache-status.js';
import { isNotModified } from '../../http/conditional.js';
import { splitList, toHeaderList, valuesOf, type OutgoingHeaders } from '../../http/headers.js';
import { currentAge, freshnessLeft, type StoredResponse } from '../../http/stored-response.js';
import type { Exchange } from './exchange.js';
import type { RoutePlan } from './route-plan.js';

const JSON_TYPE = 'application/json; charset=utf-8';

export function sayCacheStatus(exchange: Exchange, status: CacheStatus): void {
  if (!exchange.isSent) exchange.setHeader('cache-status', formatCacheStatus(status));
}

/** Puts status and headers of a stored response on the exchange, as the handler did when it was stored. */
export function restore(exchange: Exchange, stored: StoredResponse): void {
  exchange.status = stored.status;
  const names = new Set(stored.headers.map(([name]) => name));
  for (const name of names) {
    const values = valuesOf(stored.headers, name);
    const [only] = values;
    if (name === 'vary') addVary(exchange, values);
    else exchange.setHeader(name, values.length === 1 && only !== undefined ? only : values);
  }
}

/** Undoes what a failed handler did before it failed. */
export function rewind(exchange: Exchange, before: OutgoingHeaders, status: number): void {
  exchange.status = status;
  for (const name of Object.keys(exchange.outgoing())) if (before[name] === undefined) exchange.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) exchange.setHeader(name, typeof value === 'object' ? value : String(value));
  }
}

/**
 * The last headers, and the body to hand to the platform: ready text for JSON, nothing for a 304.
 * @param reused the response was made for another request
 */
export function finish(plan: RoutePlan, exchange: Exchange, stored: StoredResponse, now: number, reused: boolean): unknown {
  const left = Math.max(0, Math.floor(freshnessLeft(stored, now) / 1000));
  const present = exchange.outgoing();
  if (stored.etag !== undefined && present.etag === undefined) exchange.setHeader('etag', stored.etag);
  if (reused) exchange.setHeader('age', String(currentAge(stored, now)));
  if (plan.keyHeaders.length > 0) addVary(exchange, plan.keyHeaders);
  const { cacheControl } = plan.http;
  if (cacheControl !== undefined && present['cache-control'] === undefined)
    exchange.setHeader('cache-control', `${cacheControl}, max-age=${String(left)}`);
  if (stored.status >= 200 && stored.status < 300 && isNotModified(exchange.headers, stored, now)) {
    exchange.status = 304;
    for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-range'])
      exchange.removeHeader(name);
    return undefined;
  }
  if (stored.json && present['content-type'] === undefined) exchange.setHeader('content-type', JSON_TYPE);
  return stored.body;
}

function addVary(exchange: Exchange, values: readonly string[]): void {
  const present = valuesOf(toHeaderList(exchange.outgoing()), 'vary').flatMap(splitList);
  const known = new Set(present.map((name) => name.toLowerCase()));
  const added = values.flatMap(splitList).filter((name) => !known.has(name.toLowerCase()));
  if (added.length > 0) exchange.setHeader('vary', [...present, ...added].join(', '));
}
