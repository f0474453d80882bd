import type { CacheService } from '../../core/cache.js';
import type { BackgroundTenant } from '../../background-tenant.js';
import type { DerivedKeys } from '../method/derived-keys.js';
import type { Hints } from '../graphql/cache-control.js';
import type { MethodPlan } from '../decorators/metadata.js';
import type { HandlerLink } from '../http/handler-link.js';

/** What a decorated method needs of its application. */
export interface Caches {
  find(name: string): CacheService | undefined;
  readonly caches: readonly CacheService[];
  readonly routeCalls: HandlerLink;
  readonly hints: Hints;
  readonly backgroundTenant: BackgroundTenant;
  /**
   * The segment of the method's derived keys when it is called on `instance`.
   * @throws CacheConfigError (`CACHE_CONFIG`) when another method uses the same
   */
  derivedKeys(plan: MethodPlan, instance: unknown): DerivedKeys;
  /** The instance a background refresh runs on: never one that belongs to a request. */
  backgroundInstance(instance: unknown): Promise<unknown>;
  /** One line in the log for each `id`. */
  warnOnce(id: string, message: string): void;
}
