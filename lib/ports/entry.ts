import type { Payload } from './codec.js';
import type { Millis, Tick } from './time.js';

/**
 * One stored value with all that is needed to judge it. Immutable. All times are milliseconds since the epoch in shared time
 * (`FencedStore.now()`), absolute, so that judging is a comparison.
 */
export interface Entry {
  /** The full canonical key text; compared on every read, so that shortened keys cannot be mistaken for each other. */
  readonly key: string;
  /** `Codec.id` of `body`. */
  readonly codec: string;
  /** The encoded value, without the envelope. */
  readonly body: Payload;
  readonly createdAt: Millis;
  /** Fresh before this moment. */
  readonly freshUntil: Millis;
  /** Usable as stale (staleWhileRevalidate) before this moment; never earlier than `freshUntil`. */
  readonly staleUntil: Millis;
  /** Usable as fallback (staleIfError) before this moment; never earlier than `freshUntil`. */
  readonly fallbackUntil: Millis;
  /** How long the production took, in milliseconds. */
  readonly cost: Millis;
  /** The clocks of the entry's scopes, read before its production started: of the namespace, and of the tenant when the key has one. */
  readonly startTicks: readonly Tick[];
  /** Tags without duplicates, sorted. */
  readonly tags: readonly string[];
}

/** The stored form of an entry in a shared backend: a small versioned header, then the encoded value. */
export interface Envelope {
  pack(entry: Entry): Payload;
  /** @throws CodecError when these are not bytes that `pack` of this or an earlier version wrote. */
  unpack(payload: Payload): Entry;
}
