import type { CacheService } from '../core/cache-service.js';

/** What a decorated method needs of its application. */
export interface Caches {
  find(name: string): CacheService | undefined;
  readonly caches: readonly CacheService[];
  /** The instance a background refresh runs on: never one that belongs to a request. */
  backgroundInstance(instance: unknown): Promise<unknown>;
  /** One line in the log for each `id`. */
  warnOnce(id: string, message: string): void;
}
