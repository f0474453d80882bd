import type { Change } from '../groups/journal.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { EntryBuilder } from '../read/entry-builder.js';
import { Flight } from '../read/flight.js';
import type { SingleFlight } from '../read/single-flight.js';
import { isPromise, type Tiers } from '../read/tiers.js';
import type { Sets } from './set.js';
import type { WriteOrder } from './write-order.js';
import type { Clock } from '../../ports/clock.js';

export interface PutsParts {
  readonly tiers: Tiers;
  readonly flights: SingleFlight;
  readonly entries: EntryBuilder;
  readonly sets: Sets;
  readonly order: WriteOrder;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly apply: (changes: readonly Change[]) => Promise<boolean>;
}

/**
 * Methods whose result replaces what is stored: loads that are forced. The lease is taken and the
 * clocks are read before the method begins, and the result is stored only if nothing has overtaken
 * it. Otherwise it is not known whether something newer is stored, so the key is deleted: the
 * method has changed something, and the old value is old in any case.
 *
 * Loads do not wait for such a method but take its lease over, which only means that its result is
 * not stored. So it may be slow, and ask for its own key in this process or another.
 */
export class Puts {
  constructor(private readonly parts: PutsParts) {}

  /** Before the method. Never rejects; the backend has `backendTimeout` to answer. */
  async begin(call: Call): Promise<Flight> {
    const { tiers, flights, clock } = this.parts;
    const flight = new Flight(this, call, 'put', undefined);
    flight.startedAt = clock.now();
    flights.add(flight);
    const leasing = tiers.leasePut(flight);
    if (isPromise(leasing)) await leasing;
    return flight;
  }

  /** A method that is not fenced, because nothing of it is going to be stored. */
  unfenced(call: Call): Flight {
    return new Flight(this, call, 'put', undefined);
  }

  /**
   * After the method has succeeded.
   * @returns false when the change waits in the journal
   * @throws as `Sets.set`
   */
  async store(flight: Flight, call: Call, value: unknown): Promise<boolean> {
    const { apply, sets, entries, order, reporter, clock, tiers } = this.parts;
    const deletion = sets.deletionOf(call);
    const encoded = entries.encode(call, value);
    const { settleUntil, startTicks } = flight;
    const isTooLate = settleUntil > 0 && settleUntil <= tiers.now();
    if (encoded === undefined || isTooLate || !tiers.isUsable) return apply([deletion]);
    if (flight.storable && !order.hasPendingSet(call.storageKey)) {
      const cost = Math.max(0, clock.now() - flight.startedAt);
      const entry = entries.entryOf(call, encoded, { startTicks, cost, settleUntil });
      try {
        const storing = tiers.storePut(flight, entry, () => {
          sets.onStored(call);
        });
        if (isPromise(storing) ? await storing : storing) {
          reporter.stats.cache_invalidations++;
          return true;
        }
      } catch (error) {
        return sets.onUncertainWrite(call, error);
      }
    }
    return this.#onRefused(call, deletion);
  }

  /** Not known whether something newer is stored: whatever it is, it goes. */
  #onRefused({ storageKey }: Call, deletion: Change): Promise<boolean> {
    this.parts.reporter.report({ type: 'fill_refused', key: storageKey });
    return this.parts.apply([deletion]);
  }

  /** When the method is over, in whatever way. */
  end(flight: Flight): void {
    this.parts.tiers.release(flight);
    this.parts.flights.remove(flight);
  }

  /** Results of methods that are still running are not stored any more. */
  close(): void {
    for (const flight of this.parts.flights.ownedBy(this)) this.end(flight);
  }
}
