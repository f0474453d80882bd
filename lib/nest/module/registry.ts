import { Injectable, Logger } from '@nestjs/common';
import type { CacheService } from '../../core/cache.js';
import { CacheConfigError } from '../../ports/errors.js';
import { BackgroundTenant } from '../../background-tenant.js';
import type { MethodMetadata } from '../decorators/metadata.js';
import { CacheHints } from '../graphql/cache-control.js';
import { HandlerLink } from '../http/handler-link.js';
import { SegmentRegistry } from '../method/segments.js';

/** Runs a method on an instance. */
export type Run = (instance: unknown, args: unknown[]) => unknown;

/**
 * The caches of one application by name, and what its decorated methods share. It depends on
 * nothing, so that it can be injected everywhere without closing a cycle or changing a scope.
 */
@Injectable()
export class CacheRegistry {
  readonly #caches = new Map<string, CacheService>();
  readonly #shared = new Set<string>();
  readonly #warned = new Set<string>();
  readonly #logger = new Logger('CacheModule');
  /** How each decorated method runs in this application, by the class of the instance. */
  readonly compiled = new Map<MethodMetadata, Map<unknown, Run>>();
  readonly segments = new SegmentRegistry();
  readonly handlerLink = new HandlerLink();
  readonly hints = new CacheHints();
  readonly backgroundTenant = new BackgroundTenant();
  #resolveInstance: ((instance: object) => Promise<unknown>) | undefined;

  /**
   * @param isShared other processes may find what it stores
   * @throws CacheConfigError (`CACHE_CONFIG`) for a name that is taken
   */
  add(cache: CacheService, isShared: boolean): void {
    if (this.#caches.has(cache.name)) {
      throw new CacheConfigError(
        `Two caches of this application are called ${JSON.stringify(cache.name)}. Give each its ` +
          "own name: CacheModule.forRoot({ name: '...' }); to use one cache in several modules, " +
          'import it once with isGlobal: true.',
      );
    }
    this.#caches.set(cache.name, cache);
    if (isShared) this.#shared.add(cache.name);
  }

  find(name: string): CacheService | undefined {
    return this.#caches.get(name);
  }

  /** May other processes, of other builds, find what the cache of this name stores? */
  isShared(name: string): boolean {
    return this.#shared.has(name);
  }

  get caches(): readonly CacheService[] {
    return [...this.#caches.values()];
  }

  /** @param resolve gives the instance that a background refresh runs on */
  setInstanceResolver(resolve: (instance: object) => Promise<unknown>): void {
    this.#resolveInstance = resolve;
  }

  /** The instance that a background refresh runs on: never one that belongs to a request. */
  async backgroundInstance(instance: unknown): Promise<unknown> {
    return this.#resolveInstance === undefined
      ? instance
      : this.#resolveInstance(instance as object);
  }

  /** Logs one warning for each `id`. */
  warnOnce(id: string, message: string): void {
    if (this.#warned.has(id)) return;
    this.#warned.add(id);
    this.#logger.warn(message);
  }
}
