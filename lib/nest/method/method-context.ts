import type { CacheService } from '../../core/cache.js';
import type { MethodMetadata } from '../decorators/metadata.js';
import type { CacheRegistry } from '../module/registry.js';
import { type KeyFunction, keyFunction } from './key.js';
import { type HostClass, segmentOf, valueOwner } from './segments.js';

/** A decorated method of one class in one application: what all its calls have in common. */
export class MethodContext {
  /** The method as messages name it. */
  readonly where: string;
  #key: KeyFunction | undefined;
  #segment: string | undefined;

  constructor(
    readonly metadata: MethodMetadata,
    readonly host: HostClass,
    readonly registry: CacheRegistry,
  ) {
    this.where = `${metadata.owner}.${metadata.method}`;
  }

  /**
   * How the keys of the method's own entries are made.
   * @throws CacheConfigError (`CACHE_CONFIG`) when another method has the same segment
   */
  get key(): KeyFunction {
    return (this.#key ??= keyFunction(this.metadata, this.host, () => this.segment));
  }

  /** @throws CacheConfigError (`CACHE_CONFIG`) when another method has the same segment */
  get segment(): string {
    if (this.#segment !== undefined) return this.#segment;
    const { metadata, host, registry } = this;
    // At start too, but not for modules that are loaded later.
    if (metadata.cacheable !== undefined) registry.segments.reserve(valueOwner(metadata, host));
    return (this.#segment = segmentOf(metadata, host));
  }

  /** Undefined, with one warning, when the application has no such cache. */
  findCache(name = 'default'): CacheService | undefined {
    const { registry } = this;
    const cache = registry.find(name);
    if (cache === undefined) {
      const names = registry.caches.map((known) => `'${known.name}'`).join(', ');
      registry.warnOnce(
        `missing ${name}`,
        `${this.where} is not cached: there is no cache '${name}' in this application (there is ` +
          `${names === '' ? 'none' : names}). Import CacheModule.forRoot({ name: '${name}' }).`,
      );
    }
    return cache;
  }

  /**
   * Runs a callback of the options. One that throws must not fail the call: `fallback` is returned
   * then, with one warning for the method.
   */
  runCallback<T, F>(option: string, task: () => T, fallback: F): T | F {
    try {
      return task();
    } catch (error) {
      this.registry.warnOnce(
        `${option} ${this.where}`,
        `A callback (${option}) of ${this.where} threw; the call went on without it: ` +
          messageOf(error),
      );
      return fallback;
    }
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An option that is a value, or a function of the arguments that makes it. */
export function resolveOption<T>(
  option: T | ((...args: unknown[]) => T) | undefined,
  args: readonly unknown[],
): T | undefined {
  return typeof option === 'function' ? (option as (...args: unknown[]) => T)(...args) : option;
}
