import { Scope, type Type, type VersioningOptions } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { methodsOf } from '../decorators/find-metadata.js';
import { segmentsOf } from './path-pattern.js';

export interface Controller {
  readonly name: string;
  readonly prototype: unknown;
}

export type Handler = object & { readonly name: string };

export interface Route {
  readonly controller: Type;
  readonly handler: Handler;
  /** Nest's number of the method: 0 is GET, 5 is ALL. */
  readonly method: unknown;
  /** The path that `RouterModule` puts before the path of the controller. */
  readonly modulePath: string;
  /** The controller, or something that is injected into it, is made for each request. */
  readonly requestScoped: boolean;
}

/** Nest's numbers of GET and ALL: only their responses are stored. */
export const CACHED_METHODS: readonly unknown[] = [0, 5];

/** Nest's metadata keys of a route's method and of a module's path. */
const METHOD = 'method';
const MODULE_PATH = '__module_path__';

/** All route handlers of an application. */
export function* routesOf(modules: ModulesContainer): Iterable<Route> {
  for (const module of modules.values()) {
    const modulePath = String(
      Reflect.getMetadata(MODULE_PATH + modules.applicationId, module.metatype) ??
        Reflect.getMetadata(MODULE_PATH, module.metatype) ??
        '',
    );
    for (const wrapper of module.controllers.values()) {
      if (typeof wrapper.metatype !== 'function') continue;
      const controller = wrapper.metatype as Type;
      const requestScoped = takesRequest(wrapper);
      for (const handler of handlersOf(controller)) {
        const method: unknown = Reflect.getMetadata(METHOD, handler);
        if (method !== undefined) yield { controller, handler, method, modulePath, requestScoped };
      }
    }
  }
}

/** The part of what Nest knows about a class that says how long its instances live. */
interface Wrapper {
  readonly scope?: unknown;
  getCtorMetadata(): readonly (Wrapper | undefined)[] | undefined;
  getPropertiesMetadata(): readonly { readonly wrapper?: Wrapper }[] | undefined;
  isDependencyTreeStatic(): boolean;
}

/**
 * Whether instances may hold a request: the class, or something that is injected into it, is made
 * for each request. A guard that is made for each request makes no difference.
 */
export function takesRequest(wrapper: Wrapper): boolean {
  if (wrapper.isDependencyTreeStatic()) return false;
  const injected: readonly (Wrapper | undefined)[] = [
    ...(wrapper.getCtorMetadata() ?? []),
    ...(wrapper.getPropertiesMetadata() ?? []).map((property) => property.wrapper),
  ];
  return (
    wrapper.scope === Scope.REQUEST ||
    injected.some((one) => one?.isDependencyTreeStatic() === false)
  );
}

/** The methods of a controller, inherited ones included. */
export function* handlersOf(controller: Pick<Controller, 'prototype'>): Iterable<Handler> {
  for (const [, method] of methodsOf(controller)) yield method;
}

/**
 * The name under which the controller has the handler. It may differ from the name of the function,
 * because a decorator may have replaced the method.
 */
export function handlerName(controller: Controller, handler: Handler): string | symbol {
  for (const [name, method] of methodsOf(controller)) if (method === handler) return name;
  return handler.name;
}

/** Internals that the modules of all major versions of Nest have. */
interface NestInternals {
  readonly container?: {
    readonly applicationConfig?: {
      getGlobalPrefix?(): string;
      getVersioning?(): VersioningOptions | undefined;
      getGlobalGuards?(): readonly object[];
      /** Those that are made for each request, by what Nest knows of them. */
      getGlobalRequestGuards?(): readonly { readonly metatype?: unknown }[];
    };
  };
}

/** Settings of the application that concern all routes; available only once it has started. */
export interface RoutingRules {
  readonly versioning: VersioningOptions | undefined;
  /** The largest number of segments before the path of a controller: global prefix and version. */
  readonly maxPrefixSegments: number;
}

function configOf(modules: ModulesContainer) {
  const [first] = modules.values();
  return (first as unknown as NestInternals | undefined)?.container?.applicationConfig;
}

/** The guards of the whole application (`APP_GUARD`, `useGlobalGuards`): instances or classes. */
export function globalGuards(modules: ModulesContainer): readonly unknown[] {
  const config = configOf(modules);
  const made = config?.getGlobalGuards?.() ?? [];
  return [...made, ...(config?.getGlobalRequestGuards?.() ?? []).map(({ metatype }) => metatype)];
}

export function routingRules(modules: ModulesContainer): RoutingRules {
  const config = configOf(modules);
  if (config?.getGlobalPrefix === undefined)
    return { versioning: undefined, maxPrefixSegments: Infinity };
  const versioning = config.getVersioning?.();
  const version =
    versioning !== undefined && 'prefix' in versioning
      ? `/${versioning.prefix === false ? '' : (versioning.prefix ?? 'v')}`
      : '/v';
  const versions = versioning === undefined ? 0 : segmentsOf(`${version}1`).length;
  return {
    versioning,
    maxPrefixSegments: segmentsOf(config.getGlobalPrefix()).length + versions,
  };
}
