import type { Entry } from '../../ports/entry.js';
import type { Freshness } from '../groups/freshness.js';
import type { Call } from '../options/call.js';
import type { SingleFlight } from './single-flight.js';
import type { Tiers } from './tiers.js';

/** What is stored under a key, without the value. Moments and durations in milliseconds. */
export interface Inspection {
  readonly key: string;
  readonly storageKey: string;
  /** What the entry may be used for now; 'absent' when there is none. */
  readonly freshness: Freshness | 'absent';
  readonly tier: 'l1' | 'l2' | undefined;
  /** True while the key is being loaded. */
  readonly leased: boolean;
  readonly entry:
    | (Pick<
        Entry,
        'codec' | 'createdAt' | 'freshUntil' | 'staleUntil' | 'fallbackUntil' | 'cost' | 'tags'
      > & {
        /** Encoded length, in characters or bytes. */
        readonly size: number;
      })
    | undefined;
}

/** @throws BackendError when the backend could not be asked */
export async function inspect(
  call: Call,
  tiers: Tiers,
  flights: SingleFlight,
): Promise<Inspection> {
  const { entry, freshness, tier, lease } = await tiers.lookup(call, true);
  const { key, storageKey } = call;
  const leased = lease !== undefined || flights.has(storageKey);
  const common = { key: key.text, storageKey, leased };
  if (entry === undefined) {
    return { ...common, freshness: 'absent', tier: undefined, entry: undefined };
  }
  const { codec, createdAt, freshUntil, staleUntil, fallbackUntil, cost, tags, body } = entry;
  const described = { codec, createdAt, freshUntil, staleUntil, fallbackUntil, cost, tags };
  return { ...common, freshness, tier, entry: { ...described, size: body.length } };
}
