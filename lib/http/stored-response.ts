import type { HeaderList } from './headers.js';

/** A response as it is kept in the cache: plain data that every faithful codec keeps. */
export interface StoredResponse {
  readonly kind: 'response';
  readonly status: number;
  /** What the handler added to what was there before it ran. */
  readonly headers: HeaderList;
  /** What was there before the handler ran and it took away; absent: nothing. */
  readonly removed?: readonly string[];
  /** The body as it goes out, or the primitive the handler returned; undefined when there is none. */
  readonly body: string | Uint8Array | number | boolean | null | undefined;
  /** `body` is JSON text made from what the handler returned. */
  readonly json: boolean;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** The tags as a CDN is told them; null: more than CDNs take; undefined: none are told. */
  readonly surrogate?: string | null | undefined;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** Seconds: how old the response already was when it was stored. */
  readonly initialAge: number;
  /** Milliseconds after `storedAt`: fresh for this long. */
  readonly freshMs: number;
  /** Milliseconds after `freshMs`: usable while a refresh runs. */
  readonly staleMs: number;
  /** Milliseconds after `freshMs`: usable when the handler fails. */
  readonly fallbackMs: number;
}

/** Stands under the key of a URI whose response varies: says which request fields choose among its variants (RFC 9111 section 4.1). */
export interface VaryRecord {
  readonly kind: 'vary';
  readonly names: readonly string[];
  /** Part of the variants' keys: with the record gone no variant is ever found again. */
  readonly generation: string;
}

/** Seconds, whole (RFC 9111 section 4.2.3). */
export function currentAge(stored: StoredResponse, now: number): number {
  return stored.initialAge + Math.max(0, Math.floor((now - stored.storedAt) / 1000));
}

/** Milliseconds of freshness left; negative once stale. */
export function freshnessLeft(stored: StoredResponse, now: number): number {
  return stored.storedAt + stored.freshMs - now;
}
