import type { Caches } from '../module/caches.js';
import type { CacheService } from '../../core/cache.js';
import type { MethodPlan } from '../decorators/metadata.js';

export interface MethodCall {
  readonly plan: MethodPlan;
  readonly instance: unknown;
  readonly args: unknown[];
  readonly original: (this: unknown, ...args: unknown[]) => unknown;
}

/** Runs the method of a call. */
export type Run = (call: MethodCall) => unknown;

/** The method itself, without anything around it. */
export function plain({ original, instance, args }: MethodCall): unknown {
  return original.apply(instance, args);
}

export function whereOf({ owner, method }: MethodPlan): string {
  return `${owner}.${method}`;
}

/** Undefined, with one warning, when the application has no such cache. */
export function cacheNamed(
  name: string | undefined,
  plan: MethodPlan,
  caches: Caches,
): CacheService | undefined {
  const wanted = name ?? 'default';
  const cache = caches.find(wanted);
  if (cache === undefined) {
    const names = caches.caches.map((known) => `'${known.name}'`).join(', ');
    caches.warnOnce(
      `missing ${wanted}`,
      `${whereOf(plan)} is not cached: there is no cache '${wanted}' in this application (there is ${names === '' ? 'none' : names}). Import CacheModule.forRoot({ name: '${wanted}' }).`,
    );
  }
  return cache;
}

/** A callback that throws must not fail the call: `otherwise` then, with one warning for the method. */
export function guarded<T, O>(
  { plan }: MethodCall,
  caches: Caches,
  what: string,
  task: () => T,
  otherwise: O,
): T | O {
  try {
    return task();
  } catch (error) {
    caches.warnOnce(
      `${what} ${whereOf(plan)}`,
      `A callback (${what}) of ${whereOf(plan)} threw; the call went on without it: ${textOf(error)}`,
    );
    return otherwise;
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An option that is a value, or made from the arguments. */
export function fromArguments<T>(
  given: T | ((...args: unknown[]) => T) | undefined,
  args: unknown[],
): T | undefined {
  return typeof given === 'function' ? (given as (...args: unknown[]) => T)(...args) : given;
}
