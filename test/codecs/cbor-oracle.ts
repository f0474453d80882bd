import { Buffer } from 'node:buffer';
import cbor from 'cbor';
import { TAG } from '../../lib/codecs/cbor-format.js';
import { fromWtf8, toWtf8 } from '../../lib/codecs/wtf8.js';

// Without the mark, what is longer than 16 KiB is cut without an error.
const WRITER = { collapseBigIntegers: false, highWaterMark: 2 ** 28 };

/**
 * The same format by the npm package `cbor`: what the codec writes has to be readable by it, and
 * the other way round.
 */
export const oracle = {
  encode: (value: unknown): Uint8Array => cbor.encodeOne(tagged(value), WRITER),
  decode: (bytes: Uint8Array): unknown =>
    untagged(
      cbor.decodeFirstSync(Buffer.from(bytes), {
        preferMap: true,
        preventDuplicateKeys: true,
        tags: READERS,
      }),
    ),
};

/** Told apart from the maps that stand for plain objects. */
class RealMap {
  constructor(readonly map: ReadonlyMap<unknown, unknown>) {}
}

const READERS = {
  [TAG.epoch]: (seconds: number): Date => new Date(Math.round(seconds * 1_000)),
  [TAG.extendedTime]: (parts: Map<number, number>): Date =>
    new Date((parts.get(1) ?? NaN) * 1_000 + (parts.get(-3) ?? NaN)),
  [TAG.bytes]: (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes),
  [TAG.set]: (members: unknown[]): Set<unknown> => new Set(members),
  [TAG.map]: (map: Map<unknown, unknown>): RealMap => new RealMap(map),
  [TAG.wtf8]: (bytes: Buffer): string => fromWtf8(bytes) ?? '',
};

function tagged(value: unknown): unknown {
  if (typeof value === 'string')
    return /\p{Surrogate}/u.test(value) ? new cbor.Tagged(TAG.wtf8, toWtf8(value)) : value;
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (value instanceof Date) return taggedDate(value.getTime());
  if (value instanceof Uint8Array) return new cbor.Tagged(TAG.bytes, Buffer.from(value));
  if (value instanceof Set)
    return new cbor.Tagged(TAG.set, [...(value as Set<unknown>)].map(tagged));
  if (Array.isArray(value)) return value.map(tagged);
  if (value instanceof Map)
    return new cbor.Tagged(TAG.map, taggedPairs([...(value as Map<unknown, unknown>)]));
  return taggedPairs(Object.entries(value));
}

function taggedDate(ms: number): unknown {
  if (Math.round((ms / 1_000) * 1_000) === ms) return new cbor.Tagged(TAG.epoch, ms / 1_000);
  const seconds = Math.floor(ms / 1_000);
  return new cbor.Tagged(
    TAG.extendedTime,
    new Map([
      [1, seconds],
      [-3, ms - seconds * 1_000],
    ]),
  );
}

function taggedPairs(pairs: [unknown, unknown][]): Map<unknown, unknown> {
  return new Map(pairs.map(([key, part]) => [tagged(key), tagged(part)]));
}

function untagged(value: unknown): unknown {
  if (value instanceof RealMap)
    return new Map([...value.map].map(([key, part]) => [untagged(key), untagged(part)]));
  if (value instanceof Map)
    return Object.fromEntries(
      [...(value as Map<string, unknown>)].map(([key, part]) => [key, untagged(part)]),
    );
  if (value instanceof Set) return new Set([...(value as Set<unknown>)].map(untagged));
  return Array.isArray(value) ? value.map(untagged) : value;
}
