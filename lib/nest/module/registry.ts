import { Injectable, Logger, type Type } from '@nestjs/common';
import type { CacheService } from '../../core/cache.js';
import { CacheConfigError } from '../../ports/errors.js';
import { BackgroundTenant } from '../../background-tenant.js';
import { awaiting } from '../events/awaiting.js';
import type { Caches } from './caches.js';
import type { DerivedKeys } from '../method/derived-keys.js';
import { Hints } from '../graphql/cache-control.js';
import type { MethodCall } from '../method/method-call.js';
import type { MethodPlan } from '../decorators/metadata.js';
import { HandlerLink } from '../http/handler-link.js';
import { runMethod } from '../method/run-method.js';
import { Segments } from '../method/segments.js';

/** Gives the instance a background refresh runs on: never one that belongs to a request. */
export type FreshInstance = (instance: object) => Promise<unknown>;

/**
 * The caches of one application by name, for decorated methods. It depends on nothing, so that it can be injected into everything without
 * closing a cycle or changing a scope.
 */
@Injectable()
export class CacheRegistry implements Caches {
  readonly #caches = new Map<string, CacheService>();
  readonly #warned = new Set<string>();
  readonly #logger = new Logger('CacheModule');
  readonly #segments = new Segments();
  readonly routeCalls = new HandlerLink();
  readonly hints = new Hints();
  readonly backgroundTenant = new BackgroundTenant();
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

  derivedKeys(plan: MethodPlan, instance: unknown): DerivedKeys {
    return this.#segments.of(plan, (instance as object).constructor);
  }

  /** As `derivedKeys`, when there is no instance yet. */
  claimSegment(plan: MethodPlan, host: Type): void {
    this.#segments.of(plan, host);
  }

  refreshOn(freshInstance: FreshInstance): void {
    this.#freshInstance = freshInstance;
  }

  async backgroundInstance(instance: unknown): Promise<unknown> {
    return this.#freshInstance === undefined ? instance : this.#freshInstance(instance as object);
  }

  call(call: MethodCall): unknown {
    return call.plan.awaits === true
      ? awaiting(this.caches, () => runMethod(call, this))
      : runMethod(call, this);
  }

  warnOnce(id: string, message: string): void {
    if (this.#warned.has(id)) return;
    this.#warned.add(id);
    this.#logger.warn(message);
  }
}
