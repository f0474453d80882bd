import { type VersioningOptions, VersioningType } from '@nestjs/common';
import type { CacheKey } from '../../core/key/key.js';
import type { Codec } from '../../ports/codec.js';
import type { Duration } from '../../ports/duration.js';
import { toMilliseconds } from '../../ports/duration.js';
import { type CdnPlan, planCdn } from './cdn.js';
import { type CredentialPlan, planCredentials } from './credentials.js';
import { assertNoPublicIdentity } from './check-http-options.js';
import { type Controller, type Handler, handlerName } from './handler-name.js';
import type { HttpCacheOptions, RouteCacheOptions } from './options.js';
import type { FillOptions } from './response-cache.js';

/** Everything about a route that does not change from request to request. */
export interface RoutePlan {
  /** For messages. */
  readonly where: string;
  readonly options: RouteCacheOptions;
  readonly http: HttpCacheOptions;
  /** Why no response of this route can be cached: it does not go out through the value the handler returns, or the handler has to run. */
  readonly unfit: 'sse' | 'res' | 'render' | 'redirect' | 'changes' | undefined;
  /** Sorted, in lower case. */
  readonly keyHeaders: readonly string[];
  readonly credentials: CredentialPlan;
  readonly hostInKey: boolean;
  /** Part of the key: two versions of a handler may have one path. */
  readonly version: string | undefined;
  /** Keys of recent URLs, for routes whose key depends on nothing else. */
  readonly recentKeys: Map<string, CacheKey> | undefined;
  readonly cdn: CdnPlan | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Entries of one URI are under several keys: a tag names the URI for them. */
  readonly uriTagged: boolean;
  /** One object for all requests: a cache resolves it once. */
  readonly fill: FillOptions;
  /** Path patterns without the names of their parameters. */
  readonly patterns: readonly string[];
  /** One handler answers several paths: then a fixed key does not name its answer. */
  readonly severalPaths: boolean;
  /** What `Vary` names: the headers of the key, and the one by which the version was chosen. */
  readonly vary: readonly string[];
  /** The version is found in a way that no CDN knows of. */
  readonly hiddenVersion: boolean;
}

/** Nest's own metadata keys, the same in all its major versions; not exported by it as public names. */
const SSE = '__sse__';
const RENDER = '__renderTemplate__';
const REDIRECT = '__redirect__';
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
const HOST = 'host';
const PATH = 'path';
const VERSION = '__version__';
const RESPONSE_OR_NEXT = /^[12]:/;

export function planRoute(
  controller: Controller,
  handler: Handler,
  options: RouteCacheOptions,
  codec: Codec,
  versioning?: VersioningOptions,
): RoutePlan {
  const http = options.http ?? {};
  const name = handlerName(controller, handler);
  const where = `${controller.name}.${String(name)}`;
  assertNoPublicIdentity(http, `${where}: `);
  const hostInKey = http.host ?? Reflect.getMetadata(HOST, controller) !== undefined;
  const keyHeaders = [...new Set(http.headers?.map((name) => name.toLowerCase()))].sort();
  const staleWhileRevalidateMs = windowMs(options.staleWhileRevalidate, 'staleWhileRevalidate');
  const staleIfErrorMs = windowMs(options.staleIfError, 'staleIfError');
  const tags = typeof options.tags === 'object' ? options.tags : [];
  const patterns = patternsOf(controller, handler);
  const version = versionOf(controller, handler);
  const chosen =
    version === undefined && versioning?.defaultVersion === undefined ? undefined : versioning;
  const versionHeader = headerOf(chosen);
  return {
    options,
    http,
    where,
    unfit: options.changes === true ? 'changes' : unfitness(controller, handler, name),
    keyHeaders,
    credentials: planCredentials(http, keyHeaders),
    hostInKey,
    version: version === undefined ? undefined : [version].flat().map(String).join(','),
    recentKeys: keyHeaders.length === 0 && !hostInKey ? new Map() : undefined,
    cdn: http.cdn === undefined ? undefined : planCdn(http.cdn),
    staleWhileRevalidateMs,
    staleIfErrorMs,
    fill: Object.freeze({
      staleWhileRevalidate: staleWhileRevalidateMs,
      staleIfError: staleIfErrorMs,
      tags,
      ...entryOptions(options),
      codec,
    }),
    uriTagged: keyHeaders.length > 0 || http.principal !== undefined,
    patterns,
    severalPaths: patterns.length > 1 || patterns.some(hasParameter) || [version].flat().length > 1,
    vary: versionHeader === undefined ? keyHeaders : [...new Set([...keyHeaders, versionHeader])],
    hiddenVersion: chosen?.type === VersioningType.CUSTOM,
  };
}

/** Options that the cache itself knows; the ttl is not among them, since every response says its own. */
function entryOptions({
  staleIfErrorWhen,
  jitter,
  refreshAhead,
  producerTimeout,
}: RouteCacheOptions): FillOptions {
  return {
    ...(staleIfErrorWhen === undefined ? undefined : { staleIfErrorWhen }),
    ...(jitter === undefined ? undefined : { jitter }),
    ...(refreshAhead === undefined ? undefined : { refreshAhead }),
    ...(producerTimeout === undefined ? undefined : { producerTimeout }),
  };
}

/** The path patterns of a route, without the global prefix: `cats/:id` and `cats/:cat` are the same. */
export function patternsOf(controller: Controller, handler: Handler): readonly string[] {
  const prefixes = texts(Reflect.getMetadata(PATH, controller));
  const paths = texts(Reflect.getMetadata(PATH, handler));
  return prefixes.flatMap((prefix) => paths.map((path) => normalised(`${prefix}/${path}`)));
}

/** Does a pattern stand for several paths? */
function hasParameter(pattern: string): boolean {
  return /[:*{(?+]/.test(pattern);
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

function unfitness(
  controller: Controller,
  handler: Handler,
  name: string | symbol,
): RoutePlan['unfit'] {
  if (Reflect.getMetadata(SSE, handler) !== undefined) return 'sse';
  if (Reflect.getMetadata(RENDER, handler) !== undefined) return 'render';
  if (Reflect.getMetadata(REDIRECT, handler) !== undefined) return 'redirect';
  const parameters = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, name) as object | undefined;
  const takesResponse = Object.keys(parameters ?? {}).some((key) => RESPONSE_OR_NEXT.test(key));
  return takesResponse && Reflect.getMetadata(PASSTHROUGH, controller, name) !== true
    ? 'res'
    : undefined;
}

function versionOf(controller: Controller, handler: Handler): unknown {
  return Reflect.getMetadata(VERSION, handler) ?? Reflect.getMetadata(VERSION, controller);
}

/** The request header that says the version, in lower case. */
function headerOf(versioning: VersioningOptions | undefined): string | undefined {
  switch (versioning?.type) {
    case VersioningType.HEADER:
      return versioning.header.toLowerCase();
    case VersioningType.MEDIA_TYPE:
      return 'accept';
    default:
      return undefined;
  }
}

function windowMs(given: Duration | undefined, name: string): number {
  return given === undefined ? 0 : toMilliseconds(given, name);
}
