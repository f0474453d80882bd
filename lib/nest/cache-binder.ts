import { Injectable, type OnApplicationShutdown, type OnModuleInit, type Type } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModuleRef } from '@nestjs/core';
import { CacheConfigError } from '../ports/errors.js';
import { CacheRegistry } from './cache-registry.js';
import { isRoute, type MethodPlan, planOf } from './plan.js';
import { SLOT } from './wrap-method.js';

interface Host {
  readonly type: Type;
  readonly instance: unknown;
  readonly requestScoped: boolean;
}

/** Looks over the decorated providers of an application when it starts, and closes the caches when it ends. */
@Injectable()
export class CacheBinder implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    private readonly registry: CacheRegistry,
  ) {}

  /** @throws CacheConfigError (`CACHE_CONFIG`) when the derived keys of two classes could not be told apart */
  onModuleInit(): void {
    const segments = new Map<string, Type>();
    for (const host of this.#hosts()) {
      // Made by a factory of the user's: Nest had no chance to inject.
      if (host.instance !== undefined && !host.requestScoped) bind(host.instance, this.registry);
      for (const { plan, owner } of plansOf(host.type)) {
        this.#checkName(plan, owner, segments);
        if (host.requestScoped) this.#checkRequestScoped(plan, host.type);
      }
    }
  }

  /** After the hooks of the providers that may still use the caches. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.registry.caches.map((cache) => cache.close()));
  }

  *#hosts(): Generator<Host> {
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const requestScoped = !wrapper.isDependencyTreeStatic();
      const instance: unknown = requestScoped ? undefined : wrapper.instance;
      const type = typeof instance === 'object' && instance !== null ? instance.constructor : wrapper.metatype;
      if (
        typeof type === 'function' &&
        typeof type.prototype === 'object' &&
        type.prototype !== null &&
        SLOT in (type.prototype as object)
      ) {
        yield { type: type as Type, instance, requestScoped };
      }
    }
  }

  #checkName(plan: MethodPlan, owner: Type, segments: Map<string, Type>): void {
    const derived =
      plan.cacheable !== undefined && plan.cacheable.name === undefined && plan.cacheable.key === undefined && plan.key === undefined;
    if (!derived) return;
    const segment = `${plan.cacheable?.cache ?? 'default'} ${owner.name}.${plan.method}`;
    const known = segments.get(segment);
    if (known !== undefined && known !== owner) {
      throw new CacheConfigError(
        `Two classes called ${owner.name} have a cached method ${plan.method}: their keys could not be told apart. Give one of them a name of its own: @Cacheable({ name: '...' }).`,
      );
    }
    segments.set(segment, owner);
  }

  #checkRequestScoped(plan: MethodPlan, type: Type): void {
    if (plan.cacheable === undefined) return;
    const where = `${type.name}.${plan.method}`;
    this.registry.markRequestScoped(type, (host) => this.moduleRef.resolve(host, ContextIdFactory.create(), { strict: false }));
    if (plan.key === undefined && plan.cacheable.key === undefined && this.registry.caches.every((cache) => !cache.hasTenantResolver)) {
      this.registry.warnOnce(
        `scope ${where}`,
        `${where} belongs to a request-scoped or durable provider, but its key is made from its arguments only: all requests share the result. ` +
          'If it depends on the request, bring that into the key (@CacheKey), or give the cache a tenant resolver.',
      );
    }
    const { staleWhileRevalidate, refreshAhead } = plan.cacheable;
    if (staleWhileRevalidate === undefined && refreshAhead === undefined) return;
    this.registry.warnOnce(
      `background ${where}`,
      `${where} belongs to a request-scoped provider and is refreshed in the background: that runs on an instance of its own, without a request.`,
    );
  }
}

function bind(instance: unknown, registry: CacheRegistry): void {
  if (typeof instance !== 'object' || instance === null) return;
  const slotted = instance as Record<typeof SLOT, CacheRegistry | undefined>;
  slotted[SLOT] ??= registry;
}

function* plansOf(type: Type): Generator<{ readonly plan: MethodPlan; readonly owner: Type }> {
  const seen = new Set<string | symbol>();
  for (
    let proto = type.prototype as object | null;
    proto !== null && proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto) as object | null
  ) {
    for (const name of Reflect.ownKeys(proto)) {
      const method: unknown = Object.getOwnPropertyDescriptor(proto, name)?.value;
      if (seen.has(name) || typeof method !== 'function') continue;
      seen.add(name);
      const plan = planOf(method);
      if (plan !== undefined && !isRoute(method)) yield { plan, owner: proto.constructor as Type };
    }
  }
}
