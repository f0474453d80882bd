import type { Clock } from '../../ports/clock.js';
import type { MemoryEntry, MemoryTier } from '../../ports/shared-backend.js';
import type { Shelf } from './namespace-entries.js';

/** The synchronous side of a namespace: the same slots that `MemoryStore` keeps its entries in. */
export class MemoryNearStore implements MemoryTier {
  constructor(
    readonly shelf: Shelf,
    readonly clock: Pick<Clock, 'now'>,
    readonly isolation: 'copy' | 'freeze',
  ) {}

  get(key: string): MemoryEntry | undefined {
    return this.shelf.get(key, this.clock);
  }

  getEvenIfExpired(key: string): MemoryEntry | undefined {
    return this.shelf.find(key);
  }

  put(key: string, { entry, frozen, stamp: proof }: MemoryEntry, expiresAt: number): boolean {
    const slot = this.shelf.put(key, entry, frozen, expiresAt, this.clock.now());
    if (slot !== undefined && proof !== undefined) slot.stamp = proof;
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
