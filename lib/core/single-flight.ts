import type { GroupInvalidation } from '../ports/store.js';
import type { Flight } from './flight.js';

/**
 * The running flights of one cache, at most one joinable per key.
 *
 * A flight is registered synchronously and taken out only by itself (identity check): a detached flight that ends late must not take out its
 * successor. The same shape as Go's `singleflight`, with detaching added.
 */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();
  /** Flights that were replaced while still running: they no longer count for callers, only for `settled` and `size`. */
  readonly #running = new Set<Flight>();

  /** The flight that callers may join, whatever else is still running for the key. */
  find(storageKey: string): Flight | undefined {
    const flight = this.#flights.get(storageKey);
    return flight?.joinable === true ? flight : undefined;
  }

  add(flight: Flight): void {
    this.#flights.set(flight.storageKey, flight);
    this.#running.add(flight);
  }

  remove(flight: Flight): void {
    if (this.#flights.get(flight.storageKey) === flight) this.#flights.delete(flight.storageKey);
    this.#running.delete(flight);
    flight.end();
  }

  /**
   * A producer that starts another flight for a key whose flight waits for it would wait for that one's lease.
   * @throws ReentrantProducerError
   */
  refuseReentry(own: Flight, storageKey: string): void {
    for (const flight of this.#running) if (flight.storageKey === storageKey) own.refuse(flight);
  }

  keyMoved(storageKey: string): void {
    for (const flight of this.#running) if (flight.storageKey === storageKey) flight.keyMoved();
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
}
