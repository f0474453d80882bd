import type { NotStorableReason } from '../../http/storable.js';
import type { AsyncContext } from '../../ports/context.js';
import type { RouteConfig } from './route.js';

/** Why the result of a handler is for its own request only. */
export type UnshareableReason =
  | NotStorableReason
  | 'stream'
  | 'unless'
  | 'sent'
  | 'unserialisable'
  | 'ttl'
  | 'tenant'
  | 'callback';

/** State that the interceptor of one application collects about its routes and handler runs. */
export class RouteObservations {
  readonly unshareableKeys = new UnshareableKeys();
  /**
   * Routes whose tenant is set only after the cache has looked, so that the entries of different
   * tenants would share a key.
   */
  readonly lateTenantRoutes = new Set<RouteConfig>();
  /** Routes of which it is not known what they take from the request. */
  readonly unkeyedRoutes = new Set<RouteConfig>();
  /**
   * Cache errors that a handler threw: they come from a cache that the handler uses, not from the
   * lookup of the response.
   */
  readonly handlerErrors = new WeakSet<object>();

  constructor(
    /** Tells to which run of a handler the current call belongs. */
    readonly runContext: AsyncContext,
  ) {}
}

const UNSHAREABLE_MS = 5_000;
/** About 1 MB at most. */
const MAX_KEYS = 1_000;
const MAX_KEY_LENGTH = 1_000;

/**
 * Keys whose last response could not be shared (it set a cookie, say). For five seconds, requests
 * for such a key run their own handler instead of waiting for one another, because each would have
 * to run it afterwards anyway. Nothing else changes: responses are stored as soon as they may be.
 */
export class UnshareableKeys {
  readonly #until = new Map<string, number>();

  /**
   * Whether requests should not wait for one another. Once the time is over, the first caller gets
   * false and tries again, while the others still do not wait.
   * @param name called only when there are any such keys
   */
  has(name: () => string, now: number): boolean {
    if (this.#until.size === 0) return false;
    const key = name();
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.set(key, now + UNSHAREABLE_MS);
    return false;
  }

  add(name: string, now: number): void {
    if (name.length > MAX_KEY_LENGTH) return;
    this.#until.delete(name);
    this.#until.set(name, now + UNSHAREABLE_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MAX_KEYS && oldest !== undefined) this.#until.delete(oldest);
  }

  remove(name: () => string): void {
    if (this.#until.size > 0) this.#until.delete(name());
  }
}
