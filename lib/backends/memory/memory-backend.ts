import type { BackendContext, CacheBackend } from '../../ports/backend.js';
import type { Entry } from '../../ports/entry.js';
import { CacheConfigError } from '../../ports/errors.js';
import { type MemoryBackendOptions, type MemorySettings, memorySettings } from './options.js';
import { MemoryNearStore } from './near-store.js';
import { MemoryStore } from './memory-store.js';
import { Shelf } from './namespace-entries.js';
import { newSlots, type Slots } from './lru.js';
import { Space } from './namespace.js';

/**
 * Entries in the memory of this process, bounded by number and bytes; the least recently used go first. The default backend, and the near cache
 * in front of a shared one. Caches that are given the same backend share its bounds, and those of the same namespace share everything.
 *
 * ```ts
 * CacheModule.forRoot({ backend: new MemoryBackend({ maxEntries: 50_000, maxBytes: '256mb' }) });
 * ```
 */
export class MemoryBackend implements CacheBackend {
  readonly name = 'MemoryBackend';
  readonly #settings: MemorySettings;
  readonly #slots: Slots;
  readonly #spaces = new Map<string, Space>();
  readonly #plain: Shelf;

  /** @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work */
  constructor(options: MemoryBackendOptions = {}) {
    this.#settings = memorySettings(options);
    this.#slots = newSlots(this.#settings.maxEntries, this.#settings.maxBytes);
    this.#plain = new Shelf(this.#slots, '\0\0');
  }

  /** The reader's own copy. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const body = this.#plain.get(key, this.#settings.clock)?.entry.body;
    return body instanceof Uint8Array ? body.slice() : undefined;
  }

  /** Keeps a copy. */
  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    if (!(ttlMs >= 1))
      throw new CacheConfigError(
        `ttlMs must be a positive whole number of milliseconds; got ${String(ttlMs)}.`,
      );
    const now = this.#settings.clock.now();
    // `Buffer.prototype.slice` would share the memory.
    this.#plain.put(key, plainEntry(key, Uint8Array.from(bytes), now), undefined, now + ttlMs, now);
  }

  async delete(key: string): Promise<boolean> {
    return this.#plain.remove(key);
  }

  openMemory(context: BackendContext): {
    readonly store: MemoryStore;
    readonly near: MemoryNearStore;
  } {
    let space = this.#spaces.get(context.namespace);
    if (space === undefined) {
      space = new Space(
        new Shelf(this.#slots, this.#spaces.size === 0 ? '' : `\0${context.namespace}\0`),
      );
      this.#spaces.set(context.namespace, space);
    }
    return {
      store: new MemoryStore(space, context),
      near: new MemoryNearStore(space.shelf, context.clock, this.#settings.isolation),
    };
  }
}

function plainEntry(key: string, body: Uint8Array, now: number): Entry {
  return {
    key,
    codec: '',
    body,
    createdAt: now,
    freshUntil: now,
    staleUntil: now,
    fallbackUntil: now,
    cost: 0,
    startTicks: [],
    tags: [],
  };
}
