import type { Entry } from '../../ports/entry.js';
import type { Call } from '../options/call.js';
import type { Freshness } from '../groups/freshness.js';
import type { Tiers } from './tiers.js';

/** What is stored under a key. Moments in milliseconds since the epoch, durations in milliseconds. Never holds the value. */
export interface Inspection {
  readonly key: string;
  readonly storageKey: string;
  /** What the entry may be used for now; 'absent' when there is none. */
  readonly verdict: Freshness | 'absent';
  readonly tier: 'l1' | 'l2' | undefined;
  /** True while somebody loads the key. */
  readonly leased: boolean;
  readonly entry:
    | (Pick<
        Entry,
        'codec' | 'createdAt' | 'freshUntil' | 'staleUntil' | 'fallbackUntil' | 'cost' | 'tags'
      > & { readonly size: number })
    | undefined;
}

/** @throws BackendError when the backend could not be asked */
export async function inspect(call: Call, tiers: Tiers): Promise<Inspection> {
  const { entry, verdict, tier, lease } = await tiers.look(call, true);
  const common = { key: call.key.text, storageKey: call.storageKey, leased: lease !== undefined };
  if (entry === undefined)
    return { ...common, verdict: 'absent', tier: undefined, entry: undefined };
  const { codec, createdAt, freshUntil, staleUntil, fallbackUntil, cost, tags, body } = entry;
  return {
    ...common,
    verdict,
    tier,
    entry: {
      codec,
      createdAt,
      freshUntil,
      staleUntil,
      fallbackUntil,
      cost,
      tags,
      size: body.length,
    },
  };
}
