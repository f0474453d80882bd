import type { BackendContext, CacheBackend } from '../../ports/backend.js';
import type { Entry } from '../../ports/entry.js';
import { CacheConfigError } from '../../ports/errors.js';
import { EntryLru } from './lru.js';
import { NamespaceEntries, NamespaceTier } from './namespace-entries.js';
import { type MemoryBackendOptions, type MemorySettings, memorySettings } from './options.js';

/**
 * Entries in the memory of this process, bounded by number and bytes; the least recently used are
 * evicted first. The default backend, and the L1 in front of a shared one. Caches on the same
 * backend share its bounds; those that also have the same namespace share everything.
 *
 * ```ts
 * CacheModule.forRoot({ backend: new MemoryBackend({ maxEntries: 50_000, maxBytes: '256mb' }) });
 * ```
 */
export class MemoryBackend implements CacheBackend {
  readonly name = 'MemoryBackend';
  readonly #settings: MemorySettings;
  readonly #lru: EntryLru;
  readonly #namespaces = new Map<string, NamespaceEntries>();
  /** What is set without a cache. */
  readonly #plain: NamespaceEntries;

  /** @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work */
  constructor(options: MemoryBackendOptions = {}) {
    this.#settings = memorySettings(options);
    this.#lru = new EntryLru(this.#settings.maxEntries, this.#settings.maxBytes);
    this.#plain = new NamespaceEntries(this.#lru, '\0\0');
  }

  /** The reader's own copy. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const body = this.#plain.get(key, this.#settings.clock.now())?.entry.body;
    return body instanceof Uint8Array ? body.slice() : undefined;
  }

  /** Keeps a copy. @param ttlMs whole milliseconds, at least 1 */
  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    if (!(ttlMs >= 1)) {
      throw new CacheConfigError(
        `ttlMs must be a positive whole number of milliseconds; got ${String(ttlMs)}.`,
      );
    }
    const now = this.#settings.clock.now();
    // `Buffer.prototype.slice` would share the memory.
    const entry = plainEntry(key, Uint8Array.from(bytes), now);
    this.#plain.put(key, { entry, frozen: undefined }, now + ttlMs, now);
  }

  async delete(key: string): Promise<boolean> {
    return this.#plain.remove(key);
  }

  openMemory({ namespace, clock }: BackendContext): NamespaceTier {
    let entries = this.#namespaces.get(namespace);
    if (entries === undefined) {
      const prefix = this.#namespaces.size === 0 ? '' : `\0${namespace}\0`;
      entries = new NamespaceEntries(this.#lru, prefix);
      this.#namespaces.set(namespace, entries);
    }
    return new NamespaceTier(entries, clock, this.#settings.isolation);
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
