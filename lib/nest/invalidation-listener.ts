import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CACHE_INVALIDATED, applyInvalidation, CacheInvalidated } from './cache-invalidated.js';
import { CacheRegistry } from './cache-registry.js';

interface Subscribable {
  subscribe(listener: (event: unknown) => void): { unsubscribe(): void };
}

interface Emitter {
  on(name: string, listener: (event: unknown) => void): unknown;
  off(name: string, listener: (event: unknown) => void): unknown;
}

/** Listens for `CacheInvalidated` on the buses the application has; loads neither package when it is not installed. */
@Injectable()
export class InvalidationListener implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('CacheModule');
  readonly #ends: (() => void)[] = [];

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly registry: CacheRegistry,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const listen = (event: unknown): void => {
      if (event instanceof CacheInvalidated) void this.#apply(event);
    };
    const cqrs = await installed(() => import('@nestjs/cqrs'));
    const bus = cqrs === undefined ? undefined : (this.#find(cqrs.EventBus) as Subscribable | undefined);
    if (bus !== undefined) {
      const subscription = bus.subscribe(listen);
      this.#ends.push(() => {
        subscription.unsubscribe();
      });
    }
    const events = await installed(() => import('@nestjs/event-emitter'));
    const emitter = events === undefined ? undefined : (this.#find(events.EventEmitter2) as Emitter | undefined);
    if (emitter !== undefined) {
      emitter.on(CACHE_INVALIDATED, listen);
      this.#ends.push(() => emitter.off(CACHE_INVALIDATED, listen));
    }
  }

  onModuleDestroy(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  async #apply(event: CacheInvalidated): Promise<void> {
    const cache = this.registry.find(event.cache);
    try {
      if (cache === undefined) throw new Error(`there is no cache '${event.cache}' in this application`);
      await applyInvalidation(cache, event);
    } catch (error) {
      this.#logger.error(`A CacheInvalidated event could not be carried out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #find(token: unknown): unknown {
    try {
      return this.moduleRef.get(token as string, { strict: false });
    } catch {
      // Nest's way of saying that the application does not import that module.
      return undefined;
    }
  }
}

async function installed<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
