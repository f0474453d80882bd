/** What is stored for a key: text where the codec writes text, bytes otherwise. */
export type Payload = string | Uint8Array;

/**
 * Turns values into bytes and back. A codec is faithful or it refuses: what `decode` returns has the shape that was given to `encode`,
 * and a value that cannot be kept faithfully makes `encode` throw a `CodecError`.
 */
export interface Codec {
  /** 1 to 8 characters of `[a-z0-9]`, stored with every entry; never reuse one for another format. */
  readonly id: string;
  /** @throws CodecError when the value cannot be kept faithfully. */
  encode(value: unknown): Uint8Array;
  /** @throws CodecError when the bytes are not what `encode` writes. */
  decode(bytes: Uint8Array): unknown;
  /**
   * What this codec stores is no answer for a call that uses another one, and the other way round: each takes the other's entry for a miss. For
   * values that are not what their key's other users expect. Default false.
   */
  readonly exclusive?: boolean;
  /**
   * Nobody changes what `decode` gives, so memory may decode it once and hand the same object to everyone, deeply frozen, whatever its isolation.
   * Default false.
   */
  readonly immutable?: boolean;
  /** Present when the format is text: backends that keep text are then spared two conversions. */
  readonly text?: TextCodec;
}

/** On a codec that keeps only what this library makes: it is not to be chosen. */
export const INTERNAL = Symbol('internal codec');

export interface TextCodec {
  encode(value: unknown): string;
  decode(text: string): unknown;
}
