import { surrogateKeys, type SurrogateHeader } from '../../http/surrogate-keys.js';
import type { StoredResponse } from '../../http/stored-response.js';
import { toMilliseconds } from '../../ports/duration.js';
import type { Exchange } from './request.js';
import type { CdnOptions } from './options.js';

/** What a route tells CDNs. */
export interface CdnConfig {
  /** Seconds; undefined: the freshness of the response. */
  readonly maxAge: number | undefined;
  readonly header: SurrogateHeader | undefined;
  readonly tenants: 'refuse' | 'by-url';
}

const CDN_CACHE_CONTROL = 'cdn-cache-control';

/** @param options as `@Cacheable` has checked them */
export function compileCdn({ maxAge, tags, tenants = 'refuse' }: CdnOptions): CdnConfig {
  const seconds =
    maxAge === undefined ? undefined : Math.floor(toMilliseconds(maxAge, 'http.cdn.maxAge') / 1000);
  return { maxAge: seconds, header: tags, tenants };
}

/**
 * The tags as the value of the CDN's header; undefined when the route sends none, null when they
 * are more than CDNs accept.
 */
export function surrogateHeader(
  cdn: CdnConfig | undefined,
  tags: readonly string[],
): string | null | undefined {
  return cdn?.header === undefined ? undefined : (surrogateKeys(tags, cdn.header) ?? null);
}

/** Lets the CDN store a response of the cache. */
export function allowCdn(cdn: CdnConfig, exchange: Exchange, stored: StoredResponse): void {
  if (exchange.hasHeader(CDN_CACHE_CONTROL)) return;
  // Stored before the route sent tags, or with too many: what cannot be purged must not be stored.
  if (cdn.header !== undefined && typeof stored.surrogate !== 'string') {
    forbidCdn(cdn, exchange);
    return;
  }
  exchange.setHeader(CDN_CACHE_CONTROL, `max-age=${String(cdn.maxAge ?? lifetimeSeconds(stored))}`);
  if (cdn.header !== undefined && stored.surrogate !== '')
    exchange.setHeader(cdn.header, stored.surrogate ?? '');
}

/** Without this header many CDNs store a response for a default time of their own. */
export function forbidCdn(cdn: CdnConfig | undefined, exchange: Exchange): void {
  if (cdn !== undefined && !exchange.isSent && !exchange.hasHeader(CDN_CACHE_CONTROL))
    exchange.setHeader(CDN_CACHE_CONTROL, 'no-store');
}

/** Seconds of freshness, counted like `Age` from when the response was made. */
export function lifetimeSeconds(stored: StoredResponse): number {
  return stored.initialAge + Math.floor(stored.freshMs / 1000);
}
