/** What is stored for a key: a string where the codec writes text, bytes otherwise. */
export type Payload = string | Uint8Array;

/**
 * Turns values into bytes and back. A codec is lossless or it refuses: what `decode` returns has
 * the shape of what was encoded, and `encode` throws a `CodecError` for every other value.
 */
export interface Codec {
  /** 1 to 8 characters of `[a-z0-9]`, stored with every entry. Use it for one format only. */
  readonly id: string;
  /** @throws CodecError when the value cannot be encoded losslessly */
  encode(value: unknown): Uint8Array;
  /** @throws CodecError when `encode` did not write these bytes */
  decode(bytes: Uint8Array): unknown;
  /**
   * An entry of this codec is a miss for a call that uses another codec, and the other way round:
   * for values that other users of the key do not expect. Default false.
   */
  readonly exclusive?: boolean;
  /**
   * Decoded values are never changed, so memory may decode once and give every caller the same
   * deeply frozen object, whatever its isolation. Default false.
   */
  readonly immutable?: boolean;
  /** Present when the format is text: backends that keep text are then spared two conversions. */
  readonly text?: TextCodec;
}

/** Marks a codec for values of this library itself, which users cannot choose. */
export const INTERNAL = Symbol('internal codec');

export interface TextCodec {
  encode(value: unknown): string;
  decode(text: string): unknown;
}
