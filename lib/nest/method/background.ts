import { Injectable, type Type } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

/**
 * The instances that background refreshes run on. What belongs to a request is gone when its
 * refresh runs, so the refresh gets an instance of its own, made where the first one was made. A
 * durable provider belongs to its tenant, not to a request: its refresh runs on the instance that
 * was called.
 */
@Injectable()
export class BackgroundInstances {
  constructor(private readonly discovery: DiscoveryService) {}

  /**
   * `instance` itself, unless it belongs to a request. Looked up for each refresh, because modules
   * may be loaded lazily.
   */
  async resolve(instance: object): Promise<unknown> {
    const provider = this.discovery
      .getProviders()
      .find((wrapper) => belongsToRequest(wrapper, instance));
    if (provider !== undefined) {
      return (
        moduleRefOf(provider)?.resolve(provider.token as Type, ContextIdFactory.create(), {
          strict: true,
        }) ?? instance
      );
    }
    const controller = this.discovery
      .getControllers()
      .find((wrapper) => belongsToRequest(wrapper, instance));
    return controller === undefined
      ? instance
      : (moduleRefOf(controller)?.create(instance.constructor as Type, ContextIdFactory.create()) ??
          instance);
  }
}

function belongsToRequest(wrapper: InstanceWrapper, instance: object): boolean {
  return (
    wrapper.metatype === instance.constructor &&
    !wrapper.isDependencyTreeStatic() &&
    !wrapper.isDependencyTreeDurable()
  );
}

function moduleRefOf(wrapper: InstanceWrapper): ModuleRef | undefined {
  return wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance;
}
