/**
 * The part of CBOR (RFC 8949) that the codec writes. All tags are registered with IANA, so any CBOR
 * reader can read them.
 */
export const TAG = Object.freeze({
  /** RFC 8949 3.4.2: seconds since the epoch; NaN is an invalid Date. */
  epoch: 1,
  /** RFC 8949 3.4.3. */
  bignum: 2,
  negativeBignum: 3,
  /**
   * RFC 8746: an array of unsigned bytes, here a Uint8Array; an untagged byte string is a Buffer.
   */
  bytes: 64,
  set: 258,
  /** A map with keys of any type, here a Map; an untagged map is a plain object. */
  map: 259,
  /** A string with lone surrogates, as WTF-8 (they are encoded like other code points). */
  wtf8: 273,
  /**
   * RFC 9581: `{ 1: seconds, -3: milliseconds }`, for the few dates that seconds as a double cannot
   * represent exactly.
   */
  extendedTime: 1001,
});

export const MAJOR = Object.freeze({
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
});

/**
 * The maximum number of items (values, keys and members together) of one value: bounds the memory
 * that a few bytes can claim.
 */
export const MAX_ITEMS = 4_000_000;

/**
 * The weight of an item of indefinite length. The codec never writes these; 100,000 are read, for
 * small messages of other writers.
 */
export const INDEFINITE_ITEM_WEIGHT = 40;

/** The weight of a chunk of a string of indefinite length: 1,000 are read. */
export const CHUNK_WEIGHT = 4_000;
