import { LRUCache } from 'lru-cache';
import type { Entry } from '../../ports/entry.js';
import type { Frozen, MemoryEntry } from '../../ports/shared-backend.js';
import { sizeOf } from './size.js';

/** Who put a slot. */
interface Owner {
  disposed(name: string, slot: Slot, replaced: boolean): void;
}

/** One entry in memory. Handed out as it is: a hit allocates nothing. */
export class Slot implements MemoryEntry {
  readonly size: number;
  stamp?: object;

  constructor(
    readonly owner: Owner,
    /** Of the owner when this was put: an older one means it was cleared away. */
    readonly generation: number,
    readonly entry: Entry,
    readonly frozen: Frozen | undefined,
    readonly expiresAt: number,
    name: string,
  ) {
    this.size = sizeOf(name, entry, frozen?.size ?? 0);
  }
}

/** What all namespaces of a backend share: one bound on entries and bytes, the least recently used entry goes first. */
export type Slots = LRUCache<string, Slot>;

export function newSlots(maxEntries: number, maxBytes: number): Slots {
  return new LRUCache<string, Slot>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (slot) => slot.size,
    dispose: (slot, name, reason) => {
      slot.owner.disposed(name, slot, reason === 'set');
    },
  });
}
