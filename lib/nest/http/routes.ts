import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { Handler } from './handler-name.js';

export interface Route {
  readonly controller: Type;
  readonly handler: Handler;
  /** Nest's number of the method: 0 is GET, 5 is ALL. */
  readonly method: unknown;
}

/** Nest's metadata key of a route's method. */
const METHOD = 'method';

/** All route handlers of an application. */
export function* routesOf(modules: ModulesContainer): Iterable<Route> {
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const controller = metatype as Type;
      for (const handler of handlersOf(controller)) {
        const method: unknown = Reflect.getMetadata(METHOD, handler);
        if (method !== undefined) yield { controller, handler, method };
      }
    }
  }
}

function* handlersOf(controller: Type): Iterable<Handler> {
  const seen = new Set<PropertyKey>();
  for (let proto: unknown = controller.prototype; typeof proto === 'object' && proto !== null; proto = Object.getPrototypeOf(proto)) {
    for (const key of Reflect.ownKeys(proto)) {
      const value: unknown = Object.getOwnPropertyDescriptor(proto, key)?.value;
      if (!seen.has(key) && typeof value === 'function') yield value;
      seen.add(key);
    }
  }
}
