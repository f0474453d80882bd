import {
  Inject,
  Injectable,
  type NestInterceptor,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { DiscoveryService, ModuleRef, ModulesContainer } from '@nestjs/core';
import { CacheConfigError } from '../../ports/errors.js';
import { Guards } from '../checks/guards.js';
import { SegmentChecks } from '../checks/segment-checks.js';
import { assertController, checkDecoratedMethod } from '../checks/startup.js';
import { declaredMethodsOf } from '../decorators/find-metadata.js';
import { CacheInterceptor } from '../http/interceptor.js';
import { RouteContextInterceptor } from '../http/route-context-interceptor.js';
import { takesRequest } from '../http/routes.js';
import { BackgroundInstances } from '../method/background.js';
import { REGISTRY } from '../method/decorate-method.js';
import { CacheRegistry } from './registry.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Checks the decorators of an application when it starts, and closes its caches when it ends. */
@Injectable()
export class CacheLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly background: BackgroundInstances,
    private readonly registry: CacheRegistry,
    private readonly interceptor: CacheInterceptor,
    private readonly segments: SegmentChecks,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * @throws CacheConfigError (`CACHE_CONFIG`) and CacheDecoratorError (`CACHE_DECORATOR`) for
   * decorators that cannot work
   */
  async onModuleInit(): Promise<void> {
    this.registry.setInstanceResolver((instance) => this.background.resolve(instance));
    try {
      const providers = this.discovery.getProviders();
      for (const { metatype } of providers) assertController(metatype);
      const guards = new Guards(this.modules);
      for (const wrapper of [...providers, ...this.discovery.getControllers()])
        this.#prepare(wrapper, guards);
      this.interceptor.checkRoutes();
    } catch (error) {
      // Nest does not run the hooks of an application that did not start.
      await this.#close();
      throw error;
    }
  }

  /**
   * After the hooks of the providers that may still use the caches: the hooks of global modules run
   * last.
   */
  async onApplicationShutdown(): Promise<void> {
    await this.#close();
  }

  #prepare(wrapper: InstanceWrapper, guards: Guards): void {
    const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
    const requestScoped = takesRequest(wrapper);
    const type: unknown =
      typeof instance === 'object' && instance !== null ? classOf(instance) : wrapper.metatype;
    if (typeof type !== 'function') return;
    const host = type as Type;
    let isDecorated = false;
    for (const { metadata, method } of declaredMethodsOf(host)) {
      if (!isDecorated) setRegistry(instance, this.registry);
      isDecorated = true;
      if (method !== undefined) {
        const guard = guards.of(method, host);
        checkDecoratedMethod({ metadata, method, host, requestScoped, guard }, this.registry);
      }
      this.segments.checkMethod(metadata, method, host, wrapper);
    }
    this.segments.checkRoutes(host);
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.registry.caches.map((cache) => cache.close()));
  }
}

/** By the prototype: asking the instance could run a getter, or the trap of a proxy. */
function classOf(instance: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(instance);
  return prototype === null || prototype === Object.prototype
    ? undefined
    : (prototype as { readonly constructor: unknown }).constructor;
}

/** For instances that a factory of the application made: Nest had no chance to inject. */
function setRegistry(instance: unknown, registry: CacheRegistry): void {
  if (typeof instance !== 'object' || instance === null || !(REGISTRY in instance)) return;
  const host = instance as Record<typeof REGISTRY, CacheRegistry | undefined>;
  host[REGISTRY] ??= registry;
}

/**
 * These interceptors change no answer; they open the context in which the tenant and the principal
 * are found. By name, so that no package is needed.
 */
const CONTEXT_INTERCEPTORS: ReadonlySet<string> = new Set(['ClsInterceptor']);

/** What every `ModuleRef` has for Nest's own use, in all its major versions. */
interface ModuleRefInternals {
  readonly container?: {
    readonly applicationConfig?: { getGlobalInterceptors(): NestInterceptor[] };
  };
}

/**
 * Puts `CacheInterceptor` before the application's other global interceptors. What they make of an
 * answer (ClassSerializerInterceptor leaves fields out, others wrap it) has to be part of what is
 * stored: a stored answer is finished text, from which nothing can be left out any more.
 *
 * Nest orders them by module, the root first, and has no public way to change that. It reads the
 * list when it registers the routes, right after it has configured the middleware; that is when
 * this runs.
 */
@Injectable()
export class InterceptorOrder {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly cache: CacheInterceptor,
    private readonly routeContext: RouteContextInterceptor,
  ) {}

  /** @throws CacheConfigError (`CACHE_CONFIG`) when Nest keeps the list somewhere else */
  arrange(): void {
    const { container } = this.moduleRef as unknown as ModuleRefInternals;
    const interceptors = container?.applicationConfig?.getGlobalInterceptors() ?? [];
    const { cache, routeContext } = this;
    if (!interceptors.includes(cache) || !interceptors.includes(routeContext)) {
      throw new CacheConfigError(
        'CacheInterceptor is not among the global interceptors of the application, so that it ' +
          'cannot be put before the others. Use a version of @nestjs/core that this package ' +
          'names ' +
          'as a peer.',
      );
    }
    // An application that registers CacheInterceptor itself, by APP_INTERCEPTOR, means this one.
    const others = interceptors.filter(
      (one) => !(one instanceof CacheInterceptor) && one !== routeContext,
    );
    const arranged = [
      ...others.filter(opensContext),
      cache,
      ...others.filter((one) => !opensContext(one)),
      routeContext,
    ];
    // In place: it is Nest's own list.
    interceptors.splice(0, interceptors.length, ...arranged);
  }
}

function opensContext(interceptor: NestInterceptor): boolean {
  return CONTEXT_INTERCEPTORS.has(interceptor.constructor.name);
}
