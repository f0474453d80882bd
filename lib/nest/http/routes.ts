import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { Handler } from './handler-name.js';

export interface Route {
  readonly controller: Type;
  readonly handler: Handler;
  /** Nest's number of the method: 0 is GET, 5 is ALL. */
  readonly method: unknown;
  /** What `RouterModule` puts before the path of the controller. */
  readonly modulePath: string;
}

/** Nest's numbers of GET and ALL: only these fill the cache. */
export const READING: readonly unknown[] = [0, 5];

/** Nest's metadata key of a route's method. */
const METHOD = 'method';
/** Of a module's path. */
const MODULE_PATH = '__module_path__';

/** All route handlers of an application. */
export function* routesOf(modules: ModulesContainer): Iterable<Route> {
  for (const module of modules.values()) {
    const modulePath = String(
      Reflect.getMetadata(MODULE_PATH + modules.applicationId, module.metatype) ??
        Reflect.getMetadata(MODULE_PATH, module.metatype) ??
        '',
    );
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const controller = metatype as Type;
      for (const handler of handlersOf(controller)) {
        const method: unknown = Reflect.getMetadata(METHOD, handler);
        if (method !== undefined) yield { controller, handler, method, modulePath };
      }
    }
  }
}

export function* handlersOf(controller: { readonly prototype: unknown }): Iterable<Handler> {
  const seen = new Set<PropertyKey>();
  for (
    let proto: unknown = controller.prototype;
    typeof proto === 'object' && proto !== null;
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const key of Reflect.ownKeys(proto)) {
      const value: unknown = Object.getOwnPropertyDescriptor(proto, key)?.value;
      if (!seen.has(key) && typeof value === 'function') yield value;
      seen.add(key);
    }
  }
}
