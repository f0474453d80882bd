/** The part of CBOR (RFC 8949) that the codec writes; all tags are registered with IANA, so that any CBOR reader can follow. */
export const TAG = Object.freeze({
  /** RFC 8949 3.4.2: seconds since the epoch; NaN is an invalid Date. */
  epoch: 1,
  /** RFC 8949 3.4.3. */
  bignum: 2,
  negativeBignum: 3,
  /** RFC 8746: an array of unsigned bytes, here a Uint8Array; a bare byte string is a Buffer. */
  bytes: 64,
  set: 258,
  /** A map whose keys may be anything, here a Map; a bare map is a plain object. */
  map: 259,
  /** A string that is not well-formed, as WTF-8 (lone surrogates encoded like other code points). */
  wtf8: 273,
  /** RFC 9581: `{ 1: seconds, -3: milliseconds }`, for the few moments that seconds as a double do not hit exactly. */
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

/** The most items (values, keys and members together) one value may have: bounds the memory that few bytes can ask for. */
export const MAX_ITEMS = 4_000_000;

/** What an item within an indefinite length counts as. The codec never writes these; 100,000 are read, for small messages of others. */
export const OPEN_ITEM = 40;

/** What a part of a string of indefinite length counts as: 1,000 are read. */
export const OPEN_PART = 4_000;
