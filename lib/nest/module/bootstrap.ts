import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { CacheRegistry } from './registry.js';
import { type Host, hostOf, plansOf } from './decorated-providers.js';
import { FreshInstances } from '../method/background.js';
import { CacheInterceptor } from '../http/interceptor.js';
import { checkPlan, refuseClassPlan } from '../checks/startup.js';
import { SLOT } from '../method/decorate-method.js';

/** Looks over the decorated providers of an application when it starts, and closes the caches when it ends. */
@Injectable()
export class CacheBinder implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly fresh: FreshInstances,
    private readonly registry: CacheRegistry,
    private readonly interceptor: CacheInterceptor,
  ) {}

  /** @throws CacheConfigError (`CACHE_CONFIG`) and CacheDecoratorError (`CACHE_DECORATOR`) for decorators that cannot work */
  async onModuleInit(): Promise<void> {
    this.registry.refreshOn((instance) => this.fresh.of(instance));
    try {
      for (const { metatype } of this.discovery.getProviders()) refuseClassPlan(metatype);
      for (const wrapper of [
        ...this.discovery.getProviders(),
        ...this.discovery.getControllers(),
      ]) {
        const host = hostOf(wrapper);
        if (host !== undefined) this.#take(host);
      }
      this.interceptor.checkRoutes();
    } catch (error) {
      // Nest does not run the hooks of an application that did not start.
      await this.#close();
      throw error;
    }
  }

  /** After the hooks of the providers that may still use the caches: those of global modules come last. */
  async onApplicationShutdown(): Promise<void> {
    await this.#close();
  }

  #take(host: Host): void {
    const { type, instance, requestScoped } = host;
    if (!requestScoped) bind(instance, this.registry);
    for (const decorated of plansOf(type)) checkPlan(decorated, host, this.registry);
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.registry.caches.map((cache) => cache.close()));
  }
}

/** For instances made by a factory of the user's: Nest had no chance to inject. */
function bind(instance: unknown, registry: CacheRegistry): void {
  if (typeof instance !== 'object' || instance === null || !(SLOT in instance)) return;
  const slotted = instance as Record<typeof SLOT, CacheRegistry | undefined>;
  slotted[SLOT] ??= registry;
}
