import type { Duration } from '../../ports/duration.js';
import { toMilliseconds } from '../../ports/duration.js';
import type { HttpCacheOptions, RouteCacheOptions } from './http-options.js';
import type { FillOptions } from './response-cache.js';

export interface Controller {
  readonly name: string;
  readonly prototype: unknown;
}
export type Handler = object & { readonly name: string };

/** Everything about a route that does not change from request to request. */
export interface RoutePlan {
  readonly options: RouteCacheOptions;
  readonly http: HttpCacheOptions;
  /** Why no response of this route can be cached: it does not go out through the value the handler returns. */
  readonly unfit: 'sse' | 'res' | 'render' | 'redirect' | undefined;
  /** Sorted, in lower case. */
  readonly keyHeaders: readonly string[];
  readonly hostInKey: boolean;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Entries of one URI are under several keys: a tag names the URI for them. */
  readonly uriTagged: boolean;
  /** One object for all requests: a cache resolves it once. */
  readonly fill: FillOptions;
  /** Path patterns without the names of their parameters. */
  readonly patterns: readonly string[];
}

/** Nest's own metadata keys, the same in all its major versions; not exported by it as public names. */
const SSE = '__sse__';
const RENDER = '__renderTemplate__';
const REDIRECT = '__redirect__';
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
const HOST = 'host';
const PATH = 'path';
const RESPONSE_OR_NEXT = /^[12]:/;

export function planRoute(controller: Controller, handler: Handler, options: RouteCacheOptions): RoutePlan {
  const http = options.http ?? {};
  const keyHeaders = [...new Set(http.headers?.map((name) => name.toLowerCase()))].sort();
  const staleWhileRevalidateMs = windowMs(options.staleWhileRevalidate, 'staleWhileRevalidate');
  const staleIfErrorMs = windowMs(options.staleIfError, 'staleIfError');
  const tags = typeof options.tags === 'object' ? options.tags : [];
  return {
    options,
    http,
    unfit: unfitness(controller, handler),
    keyHeaders,
    hostInKey: http.host ?? Reflect.getMetadata(HOST, controller) !== undefined,
    staleWhileRevalidateMs,
    staleIfErrorMs,
    fill: Object.freeze({ staleWhileRevalidate: staleWhileRevalidateMs, staleIfError: staleIfErrorMs, tags }),
    uriTagged: keyHeaders.length > 0 || http.principal !== undefined,
    patterns: patternsOf(controller, handler),
  };
}

/** The path patterns of a route, without the global prefix: `cats/:id` and `cats/:cat` are the same. */
export function patternsOf(controller: Controller, handler: Handler): readonly string[] {
  const prefixes = texts(Reflect.getMetadata(PATH, controller));
  const paths = texts(Reflect.getMetadata(PATH, handler));
  return prefixes.flatMap((prefix) => paths.map((path) => normalised(`${prefix}/${path}`)));
}

function normalised(pattern: string): string {
  return pattern
    .split('/')
    .filter((part) => part !== '')
    .map((part) => part.replace(/:\w+/g, ':'))
    .join('/');
}

function texts(paths: unknown): readonly string[] {
  return (Array.isArray(paths) ? paths : [paths ?? '']).map(String);
}

function unfitness(controller: Controller, handler: Handler): RoutePlan['unfit'] {
  if (Reflect.getMetadata(SSE, handler) !== undefined) return 'sse';
  if (Reflect.getMetadata(RENDER, handler) !== undefined) return 'render';
  if (Reflect.getMetadata(REDIRECT, handler) !== undefined) return 'redirect';
  const name = methodName(controller, handler);
  const parameters = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, name) as object | undefined;
  const takesResponse = Object.keys(parameters ?? {}).some((key) => RESPONSE_OR_NEXT.test(key));
  return takesResponse && Reflect.getMetadata(PASSTHROUGH, controller, name) !== true ? 'res' : undefined;
}

/** Under which name the controller has the handler: decorators may have given the function another one. */
function methodName(controller: Controller, handler: Handler): string | symbol {
  for (let proto: unknown = controller.prototype; typeof proto === 'object' && proto !== null; proto = Object.getPrototypeOf(proto)) {
    for (const key of Reflect.ownKeys(proto)) {
      if (Object.getOwnPropertyDescriptor(proto, key)?.value === handler) return key;
    }
  }
  return handler.name;
}

function windowMs(given: Duration | undefined, name: string): number {
  return given === undefined ? 0 : toMilliseconds(given, name);
}
