import { Observable } from 'rxjs';
import {
  type CacheStatus,
  type ForwardReason,
  formatCacheStatus,
} from '../../http/cache-status.js';
import { isNotModified, isPreconditionFailed } from '../../http/conditional.js';
import { splitList, toHeaderList, valuesOf, type OutgoingHeaders } from '../../http/headers.js';
import {
  currentAgeSeconds,
  freshnessLeftMs,
  type StoredResponse,
  type VaryRecord,
} from '../../http/stored-response.js';
import { HandlerRun } from './background-run.js';
import { allowCdn, forbidCdn, lifetimeSeconds } from './cdn.js';
import { hasKeyedCredentials } from './identity.js';
import type { UnshareableReason } from './observations.js';
import { type HandlerResult, type ResponseBody, runHandler } from './produce.js';
import type { Exchange } from './request.js';
import type { RequestContext } from './request-context.js';
import type { RouteConfig } from './route.js';
import { addVary } from './vary.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Headers that describe a body, which a 304 and a 412 do not have. */
const BODY_HEADERS = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-range',
] as const;

export function setCacheStatus(exchange: Exchange, status: CacheStatus): void {
  if (exchange.isSent) return;
  const own = formatCacheStatus(status);
  exchange.setHeader(
    'cache-status',
    exchange.hasHeader('cache-status') ? appendToStatus(exchange, own) : own,
  );
  exchange.cacheStatus = own;
}

/** After the members of caches nearer to the origin (RFC 9211 section 2), replacing our own one. */
function appendToStatus(exchange: Exchange, own: string): string {
  const members = valuesOf(toHeaderList(exchange.outgoing()), 'cache-status').flatMap(splitList);
  return [...members.filter((member) => member !== exchange.cacheStatus), own].join(', ');
}

/** Sets the status and headers of a stored response, as the handler did when it was stored. */
export function applyStored(
  exchange: Exchange,
  { status, headers, removed }: StoredResponse,
): void {
  if (exchange.status !== status) exchange.status = status;
  if (removed !== undefined) for (const name of removed) exchange.removeHeader(name);
  for (let i = 0; i < headers.length; i++) {
    const [name = '', value = ''] = headers[i] ?? [];
    // The lines of one field are adjacent.
    let values: string[] | undefined;
    for (let next = headers[i + 1]; next?.[0] === name; next = headers[++i + 1])
      (values ??= [value]).push(next[1]);
    if (name === 'vary') addVary(exchange, values ?? [value]);
    else exchange.setHeader(name, values ?? value);
  }
}

/** Undoes what a failed handler did to the response. */
export function undoHeaders(exchange: Exchange, before: OutgoingHeaders, status: number): void {
  exchange.status = status;
  for (const name of Object.keys(exchange.outgoing()))
    if (before[name] === undefined) exchange.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined)
      exchange.setHeader(name, typeof value === 'object' ? value : String(value));
  }
}

export interface ResponseUse {
  /** The response was made for another request. */
  readonly reused: boolean;
  /** A CDN may store it as well. */
  readonly forCdn: boolean;
}

/** Sets the last headers. @returns the body for the platform */
export function finalizeHeaders(
  route: RouteConfig,
  exchange: Exchange,
  stored: StoredResponse,
  now: number,
  { reused, forCdn }: ResponseUse,
): unknown {
  if (reused) exchange.setHeader('age', String(currentAgeSeconds(stored, now)));
  if (route.vary.length > 0) addVary(exchange, route.vary);
  const { cacheControl } = route.http;
  if (cacheControl !== undefined && !exchange.hasHeader('cache-control')) {
    const maxAge = String(lifetimeSeconds(stored));
    exchange.setHeader('cache-control', `${cacheControl}, max-age=${maxAge}`);
  }
  if (route.cdn !== undefined) {
    if (forCdn) allowCdn(route.cdn, exchange, stored);
    else forbidCdn(route.cdn, exchange);
  }
  return sendConditional(exchange, stored, now);
}

/** Sets the tag. @returns the body for the platform: JSON as a string, nothing for a 304 */
function sendConditional(exchange: Exchange, stored: ResponseBody, now: number): unknown {
  if (stored.etag !== undefined && !exchange.hasHeader('etag'))
    exchange.setHeader('etag', stored.etag);
  const { headers } = exchange;
  if (stored.status >= 200 && stored.status < 300) {
    // In this order (RFC 9110 section 13.2.2).
    if (isPreconditionFailed(headers, stored, now)) return sendEmpty(exchange, 412);
    if (isNotModified(headers, stored, now)) return sendEmpty(exchange, 304);
  }
  if (stored.json && !exchange.hasHeader('content-type'))
    exchange.setHeader('content-type', JSON_TYPE);
  return stored.body;
}

function sendEmpty(exchange: Exchange, status: number): undefined {
  exchange.status = status;
  for (const name of BODY_HEADERS) exchange.removeHeader(name);
}

/** `of(body)` in fewer steps, for every hit makes one. */
export function emit(body: unknown): Observable<unknown> {
  return new Observable((subscriber) => {
    subscriber.next(body);
    subscriber.complete();
  });
}

/** Why this request's own handler ran. */
export interface CacheStatusReason {
  readonly fwd: ForwardReason;
  readonly stored?: boolean;
  /** Default: why the response cannot be shared. */
  readonly detail?: string;
}

/** Whether a CDN sees everything that the key of the response depends on. */
export function mayCdnStore({ route, cache, exchange, principal }: RequestContext): boolean {
  return (
    principal === undefined &&
    !route.customVersioning &&
    !hasKeyedCredentials(route.credentials, exchange) &&
    (route.cdn?.tenants === 'by-url' || !cache.hasTenantResolver)
  );
}

/** Answers the request with the result of its own handler run. */
export function sendOwn(
  context: RequestContext,
  result: HandlerResult,
  { fwd, stored = false, detail }: CacheStatusReason,
): Observable<unknown> {
  const { exchange, route } = context;
  const now = context.now();
  if (!result.shared) {
    const { reason, response, value } = result;
    setCacheStatus(exchange, {
      hit: false,
      fwd: forwardReason(context, reason, fwd),
      detail: detail ?? reason,
    });
    forbidCdn(route.cdn, exchange);
    return emit(response === undefined ? value : sendConditional(exchange, response, now));
  }
  const { response } = result;
  setCacheStatus(exchange, {
    hit: false,
    fwd,
    stored,
    ...(stored && { ttl: freshnessLeftMs(response, now) / 1000 }),
    ...(detail && { detail }),
  });
  // For a bypass it is unknown who may see the response, so no caching headers are added.
  if (fwd === 'bypass') return emit(sendConditional(exchange, response, now));
  const forCdn = stored && mayCdnStore(context);
  return emit(finalizeHeaders(route, exchange, response, now, { reused: false, forCdn }));
}

/** A response that can never be cached counts as a bypass. */
export function forwardReason(
  context: RequestContext,
  reason: UnshareableReason,
  fwd: ForwardReason,
): ForwardReason {
  return context.warnUncacheable(reason) ? 'bypass' : fwd;
}

/**
 * Runs the handler for this request only. The response has an `ETag` and is conditional like a
 * stored one, so a reload can be answered by 304 too.
 */
export async function runUncached(
  context: RequestContext,
  reason: CacheStatusReason,
  variant?: VaryRecord,
): Promise<Observable<unknown>> {
  const { route, exchange, observations } = context;
  // Set beforehand, so that a response of an exception filter has these headers too.
  setCacheStatus(exchange, { hit: false, ...reason });
  forbidCdn(route.cdn, exchange);
  const run = new HandlerRun(exchange, exchange.outgoing(), undefined);
  const result = await runHandler(context, run, []);
  if (result.shared) observations.unshareableKeys.remove(() => context.unshareableName(variant));
  return sendOwn(context, result, reason);
}
