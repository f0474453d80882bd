import type { Payload } from './codec.js';
import type { Millis, Tick } from './time.js';

/**
 * One stored value with everything that is needed to judge it. Immutable. Times are absolute, in
 * shared time (`SharedBackend.now()`), so that judging is a comparison.
 */
export interface Entry {
  /** The full canonical key. Compared on every read: shortened keys may be equal by chance. */
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
  /**
   * The clocks of the entry's scopes, read before its production started: of the namespace, and of
   * the tenant when the key has one.
   */
  readonly startTicks: readonly Tick[];
  /** Tags without duplicates, sorted. */
  readonly tags: readonly string[];
}

/** The stored form of an entry: a small versioned header, then the encoded value. */
export interface Envelope {
  pack(entry: Entry): Payload;
  /** @throws CodecError for anything that `pack` of this or an earlier version did not write */
  unpack(payload: Payload): Entry;
}
