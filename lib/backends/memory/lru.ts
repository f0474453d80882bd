import type { Entry } from '../../ports/entry.js';
import type { FrozenValue, MemoryEntry } from '../../ports/memory-tier.js';
import type { Millis } from '../../ports/time.js';

/** Measured on Node 20: the entry, its node and arrays, and its place in the map. */
const ENTRY_OVERHEAD = 460;
const TAG_OVERHEAD = 24;

/** The entries of one namespace, as the list sees them. */
export interface EntryOwner {
  /** An entry with another epoch was cleared away. */
  readonly epoch: number;
  /** Calls for every entry that leaves the list. */
  onEvicted(entry: CachedEntry): void;
}

/** One entry in memory, a node of the list. Handed out as it is: a hit allocates nothing. */
export class CachedEntry implements MemoryEntry {
  readonly size: number;
  older: CachedEntry | undefined;
  newer: CachedEntry | undefined;

  constructor(
    readonly owner: EntryOwner,
    readonly epoch: number,
    readonly name: string,
    readonly entry: Entry,
    readonly frozen: FrozenValue | undefined,
    readonly expiresAt: Millis,
    public stamp: object | undefined,
  ) {
    this.size = sizeOf(name, entry, frozen?.size ?? 0);
  }
}

/**
 * All entries of a memory backend, bounded by number and bytes; the least recently used are evicted
 * first. A map for finding them, and a doubly linked list in the order of their last use.
 *
 * Invariant: the map and the list hold the same entries; `#cursor`, when set, is in the list.
 */
export class EntryLru {
  readonly #byName = new Map<string, CachedEntry>();
  #oldest: CachedEntry | undefined;
  #newest: CachedEntry | undefined;
  #bytes = 0;
  /** Where `purgeSome` goes on. */
  #cursor: CachedEntry | undefined;

  constructor(
    readonly maxEntries: number,
    readonly maxBytes: number,
  ) {}

  get size(): number {
    return this.#byName.size;
  }

  /** Counts as a use. */
  get(name: string): CachedEntry | undefined {
    const entry = this.#byName.get(name);
    if (entry !== undefined && entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    return entry;
  }

  /** @returns false when the entry is larger than all entries may be; nothing is kept then */
  set(entry: CachedEntry): boolean {
    const replaced = this.#byName.get(entry.name);
    if (replaced !== undefined) this.#drop(replaced);
    if (entry.size > this.maxBytes) {
      if (replaced !== undefined) this.#byName.delete(entry.name);
      return false;
    }
    // Replacing the value keeps the place in the map: deleting it would make the table grow.
    this.#byName.set(entry.name, entry);
    this.#append(entry);
    this.#bytes += entry.size;
    while (this.#byName.size > this.maxEntries || this.#bytes > this.maxBytes) {
      if (this.#oldest === undefined) break;
      this.#remove(this.#oldest);
    }
    return true;
  }

  delete(name: string): boolean {
    const entry = this.#byName.get(name);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Looks at a few more entries, round and round, and removes those that are of no use. */
  purgeSome(count: number, now: Millis): void {
    for (let i = 0; i < count; i++) {
      const entry = this.#cursor ?? this.#oldest;
      if (entry === undefined) return;
      this.#cursor = entry.newer;
      if (entry.expiresAt <= now || entry.epoch !== entry.owner.epoch) this.#remove(entry);
    }
  }

  /** Names in no particular order; entries may be removed meanwhile. */
  names(): IterableIterator<string> {
    return this.#byName.keys();
  }

  #remove(entry: CachedEntry): void {
    this.#byName.delete(entry.name);
    this.#drop(entry);
  }

  #drop(entry: CachedEntry): void {
    this.#unlink(entry);
    this.#bytes -= entry.size;
    entry.owner.onEvicted(entry);
  }

  #append(entry: CachedEntry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: CachedEntry): void {
    const { older, newer } = entry;
    if (this.#cursor === entry) this.#cursor = newer;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}

/** An estimate of the bytes that an entry takes in memory. */
function sizeOf(name: string, entry: Entry, decoded: number): number {
  const { body, key, tags } = entry;
  const encoded = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  let size = ENTRY_OVERHEAD + name.length + encoded + decoded;
  if (key !== name) size += key.length;
  for (const tag of tags) size += tag.length + TAG_OVERHEAD;
  return size;
}
