import type { Codec } from '../../ports/codec.js';
import type { GroupInvalidation } from '../../ports/shared-backend.js';
import type { Flight } from './flight.js';

/**
 * The running flights of one cache, at most one joinable per key.
 *
 * A flight is registered synchronously and taken out only by itself (identity check): a detached flight that ends late must not take out its
 * successor. The same shape as Go's `singleflight`, with detaching added.
 */
export class SingleFlight {
  /** The latest of each key. */
  readonly #flights = new Map<string, Flight>();
  /** Those that were replaced while still running; few keys ever have some. */
  readonly #older = new Map<string, Set<Flight>>();
  readonly #running = new Set<Flight>();

  /** The flight that callers (with this codec) may join, whatever else is still running for the key. */
  find(storageKey: string, codec?: Codec): Flight | undefined {
    return this.#first(storageKey, (flight) => flight.joinable && flight.suits(codec));
  }

  /** A flight whose result may still be stored, whoever may join it. */
  findStorable(storageKey: string, codec: Codec): Flight | undefined {
    return this.#first(storageKey, (flight) => flight.storable && flight.suits(codec));
  }

  #first(storageKey: string, test: (flight: Flight) => boolean): Flight | undefined {
    const latest = this.#flights.get(storageKey);
    if (latest !== undefined && test(latest)) return latest;
    return this.#older.size === 0 ? undefined : this.#of(storageKey).find(test);
  }

  /** Does anything run for the key? */
  has(storageKey: string): boolean {
    return this.#flights.has(storageKey) || this.#older.has(storageKey);
  }

  add(flight: Flight): void {
    const { storageKey } = flight;
    const replaced = this.#flights.get(storageKey);
    if (replaced !== undefined) {
      const older = this.#older.get(storageKey);
      if (older === undefined) this.#older.set(storageKey, new Set([replaced]));
      else older.add(replaced);
    }
    this.#flights.set(storageKey, flight);
    this.#running.add(flight);
  }

  remove(flight: Flight): void {
    const { storageKey } = flight;
    if (this.#flights.get(storageKey) === flight) this.#flights.delete(storageKey);
    else {
      const older = this.#older.get(storageKey);
      if (older?.delete(flight) === true && older.size === 0) this.#older.delete(storageKey);
    }
    this.#running.delete(flight);
    flight.end();
  }

  /**
   * A producer that starts another flight for a key whose flight waits for it would wait for that one's lease.
   * @throws ReentrantProducerError
   */
  refuseReentry(own: Flight, storageKey: string): void {
    for (const flight of this.#of(storageKey)) own.refuse(flight);
  }

  keyMoved(storageKey: string): void {
    for (const flight of this.#of(storageKey)) flight.keyMoved();
  }

  groupsMoved(invalidation: GroupInvalidation): void {
    for (const flight of this.#running) flight.groupsMoved(invalidation);
  }

  /** What was invalidated meanwhile is not known: nobody joins any more. Whether a result is stored good is decided by lease and markers. */
  closeAll(): void {
    for (const flight of this.#running) flight.close();
  }

  /** Settles when every flight that runs now has left. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running].map((flight) => flight.ended));
  }

  /** Also ends the waiting of those whose producer does not listen to its signal. */
  abortAll(reason: unknown): void {
    for (const flight of this.#running) {
      flight.abort(reason);
      flight.fail(reason);
    }
  }

  /** Running flights, detached ones included. */
  get size(): number {
    return this.#running.size;
  }

  /** What runs for a key. */
  #of(storageKey: string): readonly Flight[] {
    const latest = this.#flights.get(storageKey);
    const older = this.#older.get(storageKey);
    if (older === undefined) return latest === undefined ? NONE : [latest];
    return latest === undefined ? [...older] : [latest, ...older];
  }
}

const NONE: readonly Flight[] = Object.freeze([]);
