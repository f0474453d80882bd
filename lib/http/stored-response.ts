import type { HeaderList } from './headers.js';

/** A stored response: plain data, so that every lossless codec can encode it. */
export interface StoredResponse {
  readonly kind: 'response';
  readonly status: number;
  /** The headers that the handler set. */
  readonly headers: HeaderList;
  /** The headers that the handler removed; absent: none. */
  readonly removed?: readonly string[];
  /** The body as it is sent, or the primitive that the handler returned; undefined: no body. */
  readonly body: string | Uint8Array | number | boolean | null | undefined;
  /** `body` is JSON, made from what the handler returned. */
  readonly json: boolean;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** The tags as a header for CDNs; null: more than CDNs accept; undefined: none are sent. */
  readonly surrogate?: string | null | undefined;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** Seconds: the age of the response when it was stored. */
  readonly initialAge: number;
  /** Milliseconds after `storedAt`: fresh for this long. */
  readonly freshMs: number;
  /** Milliseconds after `freshMs`: usable while a refresh runs. */
  readonly staleMs: number;
  /** Milliseconds after `freshMs`: usable when the handler fails. */
  readonly fallbackMs: number;
}

/**
 * Stored under the key of a URI whose response varies: the request fields that select one of its
 * variants (RFC 9111 section 4.1).
 */
export interface VaryRecord {
  readonly kind: 'vary';
  readonly names: readonly string[];
  /** Part of the variants' keys: once the record is gone, no variant is found any more. */
  readonly generation: string;
}

/** Seconds, whole (RFC 9111 section 4.2.3). */
export function currentAgeSeconds(stored: StoredResponse, now: number): number {
  return stored.initialAge + Math.max(0, Math.floor((now - stored.storedAt) / 1000));
}

/** Milliseconds of freshness left; negative once stale. */
export function freshnessLeftMs(stored: StoredResponse, now: number): number {
  return stored.storedAt + stored.freshMs - now;
}
