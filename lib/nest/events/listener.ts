import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { CacheConfigError } from '../../ports/errors.js';
import { applyInvalidation, CacheInvalidated } from './cache-invalidated.js';
import { CacheRegistry } from '../module/registry.js';
import { declaredRules } from '../decorators/invalidates-cache.js';

interface Subscribable {
  subscribe(listener: (event: unknown) => void): { unsubscribe(): void };
}

type AnyListener = (name: unknown, event: unknown) => Promise<void>;

interface Emitter {
  onAny(listener: AnyListener): unknown;
  offAny(listener: AnyListener): unknown;
}

/**
 * Applies the events on the application's buses to its caches: `CacheInvalidated`, and those that
 * `@InvalidatesCache` and the option `invalidations` name. Loads neither package when it is not
 * installed.
 */
@Injectable()
export class InvalidationListener implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('CacheModule');
  readonly #unsubscribers: (() => void)[] = [];

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly registry: CacheRegistry,
    private readonly discovery: DiscoveryService,
  ) {}

  /** @throws CacheConfigError (`CACHE_CONFIG`) for a rule of a cache that does not exist */
  onModuleInit(): void {
    const seen = new Set<unknown>();
    for (const { metatype } of [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ]) {
      for (const { rule, cache: name } of declaredRules(metatype)) {
        if (seen.has(rule)) continue;
        seen.add(rule);
        const cache = this.registry.find(name);
        if (cache === undefined) {
          throw new CacheConfigError(
            `@InvalidatesCache(${rule.event.name}) names the cache '${name}', which this ` +
              `application does not have. Import CacheModule.forRoot({ name: '${name}' }).`,
          );
        }
        cache.addRules(rule);
      }
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    const cqrs = await importIfInstalled(() => import('@nestjs/cqrs'));
    const bus =
      cqrs === undefined
        ? undefined
        : (this.#findProvider(cqrs.EventBus) as Subscribable | undefined);
    if (bus !== undefined) {
      const subscription = bus.subscribe((event) => void this.#apply(event));
      this.#unsubscribers.push(() => {
        subscription.unsubscribe();
      });
    }
    const events = await importIfInstalled(() => import('@nestjs/event-emitter'));
    const emitter =
      events === undefined
        ? undefined
        : (this.#findProvider(events.EventEmitter2) as Emitter | undefined);
    if (emitter !== undefined) {
      // All event names, because the class counts. `emitAsync` waits for the returned promise.
      const listen: AnyListener = (_, event) => this.#apply(event);
      emitter.onAny(listen);
      this.#unsubscribers.push(() => emitter.offAny(listen));
    }
  }

  onModuleDestroy(): void {
    for (const unsubscribe of this.#unsubscribers.splice(0)) unsubscribe();
  }

  /** Never rejects: an event bus would not report it. */
  async #apply(event: unknown): Promise<void> {
    if (typeof event !== 'object' || event === null) return;
    try {
      if (event instanceof CacheInvalidated) {
        const cache = this.registry.find(event.cache);
        if (cache === undefined)
          throw new Error(`there is no cache '${event.cache}' in this application`);
        await applyInvalidation(cache, event);
      } else await Promise.all(this.registry.caches.map((cache) => cache.apply(event)));
    } catch (error) {
      const { name } = event.constructor;
      this.#logger.error(
        `A ${name} event could not be carried out: ` +
          (error instanceof Error ? error.message : String(error)),
      );
    }
  }

  #findProvider(token: unknown): unknown {
    try {
      return this.moduleRef.get(token as string, { strict: false });
    } catch {
      // Nest throws when the application does not import that module.
      return undefined;
    }
  }
}

async function importIfInstalled<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
