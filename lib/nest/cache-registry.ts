import { Injectable, Logger, type Type } from '@nestjs/common';
import type { CacheService } from '../core/cache-service.js';
import { CacheConfigError } from '../ports/errors.js';
import type { Caches } from './caches.js';
import { type MethodCall, runMethod } from './run-method.js';

/** How a background refresh of a request-scoped provider gets an instance that belongs to no request. */
export type FreshInstance = (host: Type) => Promise<unknown>;

/**
 * The caches of one application by name, for decorated methods. It depends on nothing, so that it can be injected into everything without
 * closing a cycle or changing a scope.
 */
@Injectable()
export class CacheRegistry implements Caches {
  readonly #caches = new Map<string, CacheService>();
  readonly #warned = new Set<string>();
  readonly #logger = new Logger('CacheModule');
  readonly #requestScoped = new Set<unknown>();
  #freshInstance: FreshInstance | undefined;

  /** @throws CacheConfigError (`CACHE_CONFIG`) for a name that is taken */
  add(cache: CacheService): void {
    if (this.#caches.has(cache.name)) {
      throw new CacheConfigError(
        `Two caches of this application are called ${JSON.stringify(cache.name)}. Give each its own name: CacheModule.forRoot({ name: '...' }); to use one cache in several modules, import it once with isGlobal: true.`,
      );
    }
    this.#caches.set(cache.name, cache);
  }

  find(name: string): CacheService | undefined {
    return this.#caches.get(name);
  }

  get caches(): readonly CacheService[] {
    return [...this.#caches.values()];
  }

  markRequestScoped(host: unknown, freshInstance: FreshInstance): void {
    this.#requestScoped.add(host);
    this.#freshInstance = freshInstance;
  }

  async backgroundInstance(instance: unknown): Promise<unknown> {
    const host = (instance as object).constructor as Type;
    return this.#requestScoped.has(host) && this.#freshInstance !== undefined ? this.#freshInstance(host) : instance;
  }

  call(call: MethodCall): unknown {
    return runMethod(call, this);
  }

  warnOnce(id: string, message: string): void {
    if (this.#warned.has(id)) return;
    this.#warned.add(id);
    this.#logger.warn(message);
  }
}
