import type { ModulesContainer } from '@nestjs/core';
import { globalGuards } from '../http/routes.js';

/** Nest's metadata key of `@UseGuards`. */
const GUARDS = '__guards__';

/**
 * Guards that know no users: one counts requests, one opens the context of a request. By name, so
 * that no package is needed.
 */
const ANONYMOUS: ReadonlySet<string> = new Set(['ThrottlerGuard', 'ClsGuard']);

/** Finds the guard, of a handler, its class or the whole application, that may identify a user. */
export class Guards {
  constructor(private readonly modules: ModulesContainer) {}

  /** @returns the guard, as a message names it; undefined when there is none */
  of(method: object, type: object): string | undefined {
    const declared = [method, type].flatMap(
      (target) => (Reflect.getMetadata(GUARDS, target) ?? []) as readonly unknown[],
    );
    if (declared.some(mayIdentify)) return '@UseGuards';
    const [found] = globalGuards(this.modules).filter(mayIdentify);
    return found === undefined ? undefined : `${nameOf(found)}, a guard of the whole application`;
  }
}

function mayIdentify(guard: unknown): boolean {
  return !ANONYMOUS.has(nameOf(guard)) && !isPlaceholder(guard);
}

/** What nestjs-cls registers where its guard is not wanted: `{ canActivate: () => true }`. */
function isPlaceholder(guard: unknown): boolean {
  if (typeof guard !== 'object' || guard === null) return false;
  const { canActivate } = guard as { readonly canActivate?: unknown };
  return (
    Object.getPrototypeOf(guard) === Object.prototype &&
    typeof canActivate === 'function' &&
    canActivate.length === 0
  );
}

/** Of a class or an instance. */
function nameOf(guard: unknown): string {
  const type: unknown = typeof guard === 'object' ? guard?.constructor : guard;
  return typeof type === 'function' ? type.name : '';
}
