import type { Clock } from '../../ports/clock.js';
import type { NearEntry, NearStore } from '../../ports/store.js';
import type { Shelf } from './shelf.js';

/** The synchronous side of a namespace: the same slots that `MemoryStore` keeps its entries in. */
export class MemoryNearStore implements NearStore {
  constructor(
    readonly shelf: Shelf,
    readonly clock: Pick<Clock, 'now'>,
    readonly isolation: 'copy' | 'freeze',
  ) {}

  get(key: string): NearEntry | undefined {
    return this.shelf.get(key, this.clock);
  }

  find(key: string): NearEntry | undefined {
    return this.shelf.find(key);
  }

  put(key: string, { entry, frozen, proof }: NearEntry, expiresAt: number): boolean {
    const slot = this.shelf.put(key, entry, frozen, expiresAt, this.clock.now());
    if (slot !== undefined && proof !== undefined) slot.proof = proof;
    return slot !== undefined;
  }

  remove(key: string): void {
    this.shelf.remove(key);
  }

  clear(): void {
    this.shelf.clear(this.clock.now());
  }

  get size(): number {
    return this.shelf.size;
  }
}
