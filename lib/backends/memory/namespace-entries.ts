import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.js';
import type { MemoryEntry, MemoryTier } from '../../ports/memory-tier.js';
import type { Millis } from '../../ports/time.js';
import { CachedEntry, type EntryLru, type EntryOwner } from './lru.js';

/** Entries looked at before others have their turn: well below a millisecond. */
const MAX_PER_SLICE = 1_000;
const PURGED_PER_PUT = 2;

/**
 * The entries of one namespace. Clearing starts a new epoch: entries of an older one are never
 * returned, and their memory comes back a little with each put, so that clearing takes no time
 * however many entries there are.
 */
export class NamespaceEntries implements EntryOwner {
  epoch = 0;
  #size = 0;

  constructor(
    private readonly lru: EntryLru,
    /** Tells namespaces apart. Empty for the first, whose keys are looked up as they are. */
    private readonly prefix: string,
  ) {}

  get size(): number {
    return this.#size;
  }

  getEvenIfExpired(key: string): CachedEntry | undefined {
    const found = this.lru.get(this.prefix === '' ? key : this.prefix + key);
    if (found === undefined || found.epoch === this.epoch) return found;
    this.remove(key);
    return undefined;
  }

  get(key: string, now: Millis): CachedEntry | undefined {
    const found = this.getEvenIfExpired(key);
    if (found === undefined || found.expiresAt > now) return found;
    this.remove(key);
    return undefined;
  }

  /** @returns false when the entry is too large to keep; nothing is kept under the key then */
  put(key: string, { entry, frozen, stamp }: MemoryEntry, expiresAt: Millis, now: Millis): boolean {
    this.lru.purgeSome(PURGED_PER_PUT, now);
    const name = this.prefix + key;
    if (expiresAt <= now) {
      this.lru.delete(name);
      return false;
    }
    const kept = new CachedEntry(this, this.epoch, name, entry, frozen, expiresAt, stamp);
    const isKept = this.lru.set(kept);
    if (isKept) this.#size++;
    return isKept;
  }

  remove(key: string): boolean {
    return this.lru.delete(this.prefix + key);
  }

  clear(now: Millis): void {
    this.epoch++;
    this.#size = 0;
    this.lru.purgeSome(MAX_PER_SLICE, now);
  }

  onEvicted({ epoch }: CachedEntry): void {
    if (epoch === this.epoch) this.#size--;
  }

  /** Removes the entries whose key begins with `start`. */
  async reclaim(start: string, signal: AbortSignal): Promise<number> {
    const wanted = this.prefix + start;
    // Entries that are put meanwhile come last, and stay.
    let left = this.lru.size;
    let removed = 0;
    for (const name of this.lru.names()) {
      if (left-- <= 0 || signal.aborted) break;
      if (name.startsWith(wanted) && this.lru.delete(name)) removed++;
      if (left % MAX_PER_SLICE === 0) await setImmediate();
    }
    return removed;
  }
}

/** A namespace as one cache sees it. */
export class NamespaceTier implements MemoryTier {
  constructor(
    readonly namespace: NamespaceEntries,
    private readonly clock: Clock,
    readonly isolation: 'copy' | 'freeze',
  ) {}

  get size(): number {
    return this.namespace.size;
  }

  get(key: string): MemoryEntry | undefined {
    return this.namespace.get(key, this.clock.now());
  }

  getEvenIfExpired(key: string): MemoryEntry | undefined {
    return this.namespace.getEvenIfExpired(key);
  }

  put(key: string, entry: MemoryEntry, expiresAt: Millis): boolean {
    return this.namespace.put(key, entry, expiresAt, this.clock.now());
  }

  remove(key: string): void {
    this.namespace.remove(key);
  }

  clear(): void {
    this.namespace.clear(this.clock.now());
  }

  reclaim(scope: string, signal: AbortSignal): Promise<number> {
    return this.namespace.reclaim(scope === '' ? '' : `tenant:${scope}/`, signal);
  }
}
