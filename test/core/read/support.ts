import { jsonCodec } from '../../../lib/codecs/json.js';
import { CacheKey } from '../../../lib/core/key/key.js';
import { type Call, makeCall } from '../../../lib/core/options/call.js';
import { resolveSettings } from '../../../lib/core/options/options.js';
import type { CacheOptions } from '../../../lib/core/options/types.js';
import { Flight, type FlightKind } from '../../../lib/core/read/flight.js';
import type { Lookup } from '../../../lib/core/read/lookup.js';
import type { Codec } from '../../../lib/ports/codec.js';
import type { Entry } from '../../../lib/ports/entry.js';

interface Parts {
  readonly tags?: readonly string[];
  readonly resultTags?: (value: never) => readonly string[];
  readonly unless?: (value: never) => boolean;
  readonly codec?: Codec;
  readonly options?: CacheOptions;
  readonly kind?: FlightKind;
  readonly owner?: object;
  readonly stale?: Lookup;
}

/** A call whose storage key is its key. */
export function callOf(key: string, parts: Parts = {}): Call {
  const { codec = jsonCodec, options = {} } = parts;
  const codecs = new Map([[jsonCodec.id, jsonCodec]]);
  const { policy } = resolveSettings({ jitter: 0, ...options }, codecs);
  const call = makeCall(
    CacheKey.fromEncoded(undefined, undefined, key),
    true,
    () => undefined,
    parts,
    { ...policy, codec },
    Infinity,
  );
  return { ...call, storageKey: key };
}

export function flightOf(key: string, parts: Parts = {}): Flight {
  const { kind = 'load', owner = {}, stale } = parts;
  const flight = new Flight(owner, callOf(key, parts), kind, stale);
  flight.result.catch(() => undefined);
  return flight;
}

export function entryOf(over: Partial<Entry> = {}): Entry {
  return {
    key: 'k',
    codec: 'json',
    body: '1',
    createdAt: 0,
    freshUntil: 100,
    staleUntil: 100,
    fallbackUntil: 100,
    cost: 10,
    startTicks: [1],
    tags: [],
    ...over,
  };
}
