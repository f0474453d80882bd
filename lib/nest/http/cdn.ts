import { surrogateKeys, type SurrogateHeader } from '../../http/surrogate-keys.js';
import type { StoredResponse } from '../../http/stored-response.js';
import { toMilliseconds } from '../../ports/duration.js';
import type { Exchange } from './request.js';
import type { CdnOptions } from './options.js';

/** What a route says to CDNs. */
export interface CdnPlan {
  /** Seconds; undefined: what the response is fresh for. */
  readonly maxAge: number | undefined;
  readonly header: SurrogateHeader | undefined;
  readonly tenants: 'refuse' | 'by-url';
}

const CONTROL = 'cdn-cache-control';

/** @param options as `@Cacheable` has checked them */
export function planCdn({ maxAge, tags, tenants = 'refuse' }: CdnOptions): CdnPlan {
  const seconds =
    maxAge === undefined ? undefined : Math.floor(toMilliseconds(maxAge, 'http.cdn.maxAge') / 1000);
  return { maxAge: seconds, header: tags, tenants };
}

/** The tags as they go out with the response; undefined when the route sends none, null when they are more than CDNs take. */
export function surrogateOf(
  cdn: CdnPlan | undefined,
  tags: readonly string[],
): string | null | undefined {
  return cdn?.header === undefined ? undefined : (surrogateKeys(tags, cdn.header) ?? null);
}

/** Lets the CDN keep a stored response. */
export function allowCdn(cdn: CdnPlan, exchange: Exchange, stored: StoredResponse): void {
  if (exchange.hasHeader(CONTROL)) return;
  // Stored before the route sent tags, or with more than fit: what cannot be purged must not be kept.
  if (cdn.header !== undefined && typeof stored.surrogate !== 'string') {
    refuseCdn(cdn, exchange);
    return;
  }
  exchange.setHeader(CONTROL, `max-age=${String(cdn.maxAge ?? lifetime(stored))}`);
  if (cdn.header !== undefined && stored.surrogate !== '')
    exchange.setHeader(cdn.header, stored.surrogate ?? '');
}

/** Without a word from the application many CDNs keep what they see for a time of their own. */
export function refuseCdn(cdn: CdnPlan | undefined, exchange: Exchange): void {
  if (cdn !== undefined && !exchange.isSent && !exchange.hasHeader(CONTROL))
    exchange.setHeader(CONTROL, 'no-store');
}

/** Seconds of freshness from when the response was made; `Age` says how much of it is over. */
export function lifetime(stored: StoredResponse): number {
  return stored.initialAge + Math.floor(stored.freshMs / 1000);
}
