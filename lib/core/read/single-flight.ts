import type { Codec } from '../../ports/codec.js';
import type { GroupInvalidation } from '../../ports/groups.js';
import type { Flight } from './flight.js';

const NO_FLIGHTS: readonly Flight[] = Object.freeze([]);

/**
 * The running flights, at most one joinable per key and codec family. The shape of Go's
 * `singleflight`, with detaching added.
 *
 * Invariant: a flight is registered synchronously and removed only by itself (identity check), so a
 * detached flight that ends late does not remove its successor.
 */
export class SingleFlight {
  /** The latest flight of each key. */
  readonly #latest = new Map<string, Flight>();
  /** Flights that were succeeded while still running; few keys ever have some. */
  readonly #older = new Map<string, Set<Flight>>();

  /** Running flights, detached ones included. */
  get size(): number {
    let size = this.#latest.size;
    for (const older of this.#older.values()) size += older.size;
    return size;
  }

  has(storageKey: string): boolean {
    return this.#latest.has(storageKey);
  }

  /** A flight that callers with this codec may join. */
  joinable(storageKey: string, codec: Codec): Flight | undefined {
    const latest = this.#latest.get(storageKey);
    if (latest === undefined) return undefined;
    if (latest.joinable && latest.acceptsCodec(codec)) return latest;
    if (this.#older.size === 0) return undefined;
    return this.#of(storageKey).find((flight) => flight.joinable && flight.acceptsCodec(codec));
  }

  /** A flight whose result may still be stored, even if it takes no callers. */
  storable(storageKey: string, codec: Codec): Flight | undefined {
    return this.#of(storageKey).find((flight) => flight.storable && flight.acceptsCodec(codec));
  }

  add(flight: Flight): void {
    const { storageKey } = flight;
    const succeeded = this.#latest.get(storageKey);
    if (succeeded !== undefined) {
      const older = this.#older.get(storageKey);
      if (older === undefined) this.#older.set(storageKey, new Set([succeeded]));
      else older.add(succeeded);
    }
    this.#latest.set(storageKey, flight);
  }

  remove(flight: Flight): void {
    if (this.#latest.get(flight.storageKey) === flight) this.#removeLatest(flight);
    else this.#removeOlder(flight);
    flight.finish();
  }

  /** @throws ReentrantProducerError (`CACHE_REENTRANT`) when a flight of the key waits for `own` */
  assertNotReentrant(own: Flight, storageKey: string): void {
    for (const flight of this.#of(storageKey)) own.assertNoCycle(flight);
  }

  onKeyInvalidated(storageKey: string): void {
    for (const flight of this.#of(storageKey)) flight.onKeyInvalidated();
  }

  onGroupsInvalidated(invalidation: GroupInvalidation): void {
    for (const flight of this.#all()) flight.onGroupsInvalidated(invalidation);
  }

  /** Notices were missed: what was invalidated meanwhile is not known. */
  stopJoiningAll(): void {
    for (const flight of this.#all()) flight.stopJoining();
  }

  /** The running flights of one cache. */
  ownedBy(owner: object): readonly Flight[] {
    return [...this.#all()].filter((flight) => flight.owner === owner);
  }

  /** Also ends the waiting for producers that ignore their signal, and forgets them. */
  abortAll(owner: object, reason: unknown): void {
    for (const flight of this.ownedBy(owner)) {
      flight.abort(reason);
      flight.reject(reason);
      flight.timeout?.cancel();
      this.remove(flight);
    }
  }

  /** An older flight takes the place, so that `has` keeps telling whether anything runs. */
  #removeLatest(flight: Flight): void {
    const { storageKey } = flight;
    const older = this.#older.size === 0 ? undefined : this.#older.get(storageKey);
    const next = older === undefined ? undefined : [...older].at(-1);
    if (next === undefined) {
      this.#latest.delete(storageKey);
      return;
    }
    this.#removeOlder(next);
    this.#latest.set(storageKey, next);
  }

  #removeOlder(flight: Flight): void {
    const older = this.#older.get(flight.storageKey);
    if (older?.delete(flight) === true && older.size === 0) this.#older.delete(flight.storageKey);
  }

  *#all(): Iterable<Flight> {
    yield* this.#latest.values();
    for (const older of this.#older.values()) yield* older;
  }

  #of(storageKey: string): readonly Flight[] {
    const latest = this.#latest.get(storageKey);
    if (latest === undefined) return NO_FLIGHTS;
    const older = this.#older.get(storageKey);
    return older === undefined ? [latest] : [latest, ...older];
  }
}
