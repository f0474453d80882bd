// Sub-path entry `nest-query-cache/codec`: the built-in codecs, and the port for others.
export { cborCodec } from './codecs/cbor.js';
export { jsonCodec } from './codecs/json.js';
export type { Codec, Payload, TextCodec } from './ports/codec.js';
