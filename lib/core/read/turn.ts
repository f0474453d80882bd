import type { Entry } from '../../ports/entry.js';
import type { ScopeGroups, ScopeReading } from '../../ports/shared-backend.js';
import type { Call } from '../options/call.js';
import type { Flight, Landing } from './flight.js';
import { isComplete, settleUntil } from '../groups/groups.js';
import type { LeaseDesk } from './lease.js';
import type { MarkerKeeper } from './marker-keeper.js';
import { expiresAt } from '../groups/freshness.js';
import type { Look, Tiers } from './tiers.js';

/** What a flight may do after it has stood in line for its key. */
export type Turn = Go | { readonly state: 'landed'; readonly landing: Landing };

/** Produce. */
export interface Go {
  readonly state: 'go';
  /** The end of a settle window the load falls into, by what is known of its groups; shared time, 0 for none. */
  readonly settleUntil: number;
  /** The groups whose windows are known. */
  readonly groups: readonly ScopeGroups[];
}

/** How many times the markers may move on while a lease is sought, before the value is produced without storing it. */
const MAX_ROUNDS = 1_000;

/**
 * Takes the lease of a key for a flight: the single-flight of all processes, and the fence of the fill.
 *
 * The start ticks are read before the lease is taken and so before the production begins: a later invalidation of a group is strictly greater
 * (consistency by markers), a later delete removes the lease (consistency by lease; Nishtala et al., Scaling Memcache at Facebook, NSDI 2013).
 * A lease that is lost in any way makes the store refuse the fill, never accept an old one.
 *
 * @throws BackendError when the backend could not be asked
 */
export async function takeTurn(
  flight: Flight,
  call: Call,
  first: Look,
  parts: {
    tiers: Tiers;
    desk: LeaseDesk;
    keeper: MarkerKeeper;
    waitMs: number;
    backendTimeout: number;
    moment: () => number;
  },
): Promise<Turn> {
  const { tiers, desk } = parts;
  const giveUpAt = tiers.clock.now() + parts.waitMs;
  let look = first;
  let dead: string | undefined;
  for (let tries = 0; tries < MAX_ROUNDS; tries++) {
    // A call waits for the backend once, however many questions it has.
    const scopes = await knownScopes(
      call,
      look,
      parts.keeper,
      Math.max(1, call.backendBy - tiers.clock.now()),
    );
    flight.startTicks = scopes.map((scope) => scope.clock ?? 0);
    const lease = desk.name(flight.startTicks);
    const acquired = await desk.acquire(call, lease, look.entry, dead);
    if (acquired.state === 'leased') {
      flight.lease = lease;
      const until = Math.max(acquired.settleUntil, settleUntil(scopes));
      return {
        state: 'go',
        settleUntil: until > tiers.store.now() ? until : 0,
        groups: look.groups,
      };
    }
    if (acquired.state === 'held') {
      const givesWay = !flight.background && desk.isOfPut(acquired.lease);
      if (givesWay || desk.isDead(acquired.lease, { ...look, scopes })) {
        dead = acquired.lease;
        continue;
      }
      // Somebody else is refreshing it already: one in the whole fleet is enough.
      if (flight.background) return { state: 'landed', landing: { kind: 'again' } };
      if (tiers.clock.now() >= giveUpAt) break;
      call.onWait?.();
      await desk.turn(call.storageKey, tries, acquired.remainingMs);
    }
    call.backendBy = tiers.clock.now() + parts.backendTimeout;
    const asOf = parts.moment();
    flight.throwIfAborted();
    // Behind L1, which has nothing newer than what led here.
    look = await tiers.look(call, false, true);
    if (look.taker !== undefined && isGoodEnough(look, flight)) {
      return {
        state: 'landed',
        landing: { kind: 'found', taker: look.taker, entry: look.entry as Entry, asOf },
      };
    }
  }
  flight.storable = false;
  return { state: 'go', settleUntil: 0, groups: look.groups };
}

/** Not what the caller already had; a background refresh looks for something fresh. */
function isGoodEnough(look: Look, flight: Flight): boolean {
  return (
    look.verdict === 'fresh' ||
    (look.verdict === 'stale' && !flight.background && look.entry !== flight.candidate?.entry)
  );
}

async function knownScopes(
  call: Call,
  look: Look,
  keeper: MarkerKeeper,
  leftMs: number,
): Promise<readonly ScopeReading[]> {
  const { scopes } = look;
  if (scopes !== undefined && isComplete(scopes)) return scopes;
  const expected = look.entry === undefined ? 0 : expiresAt(look.entry);
  return keeper.ensure(
    look.groups,
    Math.max(expected, keeper.store.now() + call.policy.hardTimeout),
    leftMs,
  );
}
