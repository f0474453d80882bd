import type { CallHandler } from '@nestjs/common';
import { uncacheableResponseError } from '../checks/uncacheable.js';
import type { VaryRecord } from '../../http/stored-response.js';
import { routeKey } from './cache-key.js';
import { type Identity, resolvedTenant } from './identity.js';
import type { RouteObservations, UnshareableReason } from './observations.js';
import type { Exchange } from './request.js';
import type { ResponseCache } from './response-cache.js';
import type { RouteConfig } from './route.js';

/** Logs a warning, once for each `kind`. */
export type Warn = (kind: string, error: unknown) => void;

/** One request that may be answered from the cache, and everything that is needed for it. */
export class RequestContext {
  constructor(
    readonly route: RouteConfig,
    readonly cache: ResponseCache,
    readonly exchange: Exchange,
    readonly next: CallHandler,
    readonly identity: Identity,
    readonly observations: RouteObservations,
    readonly warn: Warn,
  ) {}

  now(): number {
    return this.cache.clock.now();
  }

  get principal(): string | undefined {
    return this.identity.principal;
  }

  /** The name of the request's key among the unshareable ones; differs from tenant to tenant. */
  unshareableName(variant: VaryRecord | undefined): string {
    const { route, cache, exchange, principal } = this;
    return JSON.stringify([
      route.options.cache,
      resolvedTenant(cache),
      routeKey(route, exchange, principal, variant).text,
    ]);
  }

  /** Warns of a response that can never be cached. @returns whether it is one */
  warnUncacheable(reason: UnshareableReason): boolean {
    const problem = uncacheableResponseError(this.route, reason);
    if (problem !== undefined) this.warn(`${reason}, ${this.route.where}`, problem);
    return problem !== undefined;
  }
}
