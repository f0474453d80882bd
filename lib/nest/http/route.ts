import { VERSION_NEUTRAL, type VersioningOptions, VersioningType } from '@nestjs/common';
import type { CacheKey } from '../../core/key/key.js';
import type { Codec } from '../../ports/codec.js';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { type CdnConfig, compileCdn } from './cdn.js';
import { assertNoPublicIdentity } from './check-http-options.js';
import { type IdentityConfig, splitCredentialHeaders } from './identity.js';
import type { HttpCacheOptions, RouteCacheOptions } from './options.js';
import type { ResponseEntryOptions } from './response-cache.js';
import { type Controller, type Handler, handlerName } from './routes.js';
import { type TakenInputs, takenInputs } from './taken-inputs.js';

/** Everything about a route that is the same for every request; compiled once. */
export interface RouteConfig extends IdentityConfig {
  readonly options: RouteCacheOptions;
  /**
   * Why no response of this route can be cached: it is not sent through the handler's return value,
   * or the handler has to run every time.
   */
  readonly uncacheable: 'sse' | 'res' | 'render' | 'redirect' | 'changes' | undefined;
  /** Sorted, in lower case; with the one that selects the version, for a handler with several. */
  readonly keyHeaders: readonly string[];
  /** Headers that have one value on this route, because it is selected by them. */
  readonly routedHeaders: readonly string[];
  readonly hostInKey: boolean;
  /** Part of the key: two versions of a handler may share a path. */
  readonly version: string | undefined;
  /** Part of the key of a handler with several versions: what the application's function finds. */
  readonly requestedVersion: ((request: object) => string) | undefined;
  /** The keys of recent URIs; only where the key depends on nothing but the URI. */
  readonly recentKeys: Map<string, CacheKey> | undefined;
  readonly cdn: CdnConfig | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** The entries of one URI have several keys, so they carry a tag for the URI. */
  readonly tagsUri: boolean;
  /** The same object for every request, so that the cache resolves it once. */
  readonly cacheOptions: ResponseEntryOptions;
  /** Path patterns without the names of their parameters. */
  readonly patterns: readonly string[];
  /** Which requests may go past a fresh response. */
  readonly clientBypass: NonNullable<HttpCacheOptions['clientBypass']>;
  /** What the handler takes of a request that the key leaves out: its body, headers, method. */
  readonly takes: TakenInputs;
  /** One handler answers several paths, so a fixed key does not identify a response. */
  readonly multiPath: boolean;
  /** The headers for `Vary`: those of the key, and the one that selects the version. */
  readonly vary: readonly string[];
  /** The version is extracted from the request in a way that no CDN knows. */
  readonly customVersioning: boolean;
}

/** Nest's metadata keys; not public, but the same in all its major versions. */
const SSE = '__sse__';
const RENDER = '__renderTemplate__';
const REDIRECT = '__redirect__';
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
const HOST = 'host';
const PATH = 'path';
const VERSION = '__version__';
/** Nest's numbers of the parameters `@Res()` and `@Next()`. */
const RESPONSE_OR_NEXT = /^[12]:/;

/** What the application says about a route. */
export interface RouteSettings {
  readonly versioning?: VersioningOptions | undefined;
  readonly guard?: string | undefined;
}

/** @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work */
export function compileRoute(
  controller: Controller,
  handler: Handler,
  options: RouteCacheOptions,
  codec: Codec,
  { versioning, guard }: RouteSettings = {},
): RouteConfig {
  const http = options.http ?? {};
  const name = handlerName(controller, handler);
  const where = `${controller.name}.${String(name)}`;
  assertNoPublicIdentity(http, `${where}: `);
  const staleWhileRevalidateMs = windowMs(options.staleWhileRevalidate, 'staleWhileRevalidate');
  const staleIfErrorMs = windowMs(options.staleIfError, 'staleIfError');
  const tags = typeof options.tags === 'object' ? options.tags : [];
  const patterns = patternsOf(controller, handler);
  const version = versionOf(controller, handler);
  const scheme =
    version === undefined && versioning?.defaultVersion === undefined ? undefined : versioning;
  const versionedBy = versionHeader(scheme);
  const several = servesSeveral(version ?? scheme?.defaultVersion);
  // A fixed key is all of the key that the route wants, so that it can be deleted by its name.
  const hostInKey =
    http.host ?? (options.key === undefined || Reflect.getMetadata(HOST, controller) !== undefined);
  const keyHeaders = sortedNames([
    ...(http.headers ?? []),
    ...(several && versionedBy !== undefined ? [versionedBy] : []),
  ]);
  const requestedVersion =
    several && scheme?.type === VersioningType.CUSTOM
      ? (request: object) => JSON.stringify(scheme.extractor(request))
      : undefined;
  return {
    options,
    http,
    where,
    guard,
    uncacheable:
      options.changes === true ? 'changes' : uncacheableReason(controller, handler, name),
    keyHeaders,
    routedHeaders: scheme?.type === VersioningType.HEADER ? [scheme.header.toLowerCase()] : [],
    credentials: splitCredentialHeaders(http, keyHeaders),
    hostInKey,
    version: version === undefined ? undefined : [version].flat().map(String).join(','),
    requestedVersion,
    recentKeys: keyHeaders.length === 0 && requestedVersion === undefined ? new Map() : undefined,
    cdn: http.cdn === undefined ? undefined : compileCdn(http.cdn),
    staleWhileRevalidateMs,
    staleIfErrorMs,
    cacheOptions: Object.freeze({
      staleWhileRevalidate: staleWhileRevalidateMs,
      staleIfError: staleIfErrorMs,
      tags,
      ...entryOptions(options),
      codec,
    }),
    tagsUri:
      keyHeaders.length > 0 || http.principal !== undefined || requestedVersion !== undefined,
    patterns,
    clientBypass: http.clientBypass ?? 'conditional',
    takes: takenInputs(controller, handler, name),
    multiPath: patterns.length > 1 || patterns.some(hasParameter) || [version].flat().length > 1,
    vary: versionedBy === undefined ? keyHeaders : [...new Set([...keyHeaders, versionedBy])],
    customVersioning: scheme?.type === VersioningType.CUSTOM,
  };
}

function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].sort();
}

/** Whether a handler answers requests for more than one version. */
function servesSeveral(version: unknown): boolean {
  const versions: readonly unknown[] = [version].flat();
  return versions.length > 1 || versions.includes(VERSION_NEUTRAL);
}

/** The options that the cache itself applies; not the ttl, which every response determines. */
function entryOptions({
  staleIfErrorWhen,
  jitter,
  refreshAhead,
  producerTimeout,
}: RouteCacheOptions): ResponseEntryOptions {
  return {
    ...(staleIfErrorWhen === undefined ? undefined : { staleIfErrorWhen }),
    ...(jitter === undefined ? undefined : { jitter }),
    ...(refreshAhead === undefined ? undefined : { refreshAhead }),
    ...(producerTimeout === undefined ? undefined : { producerTimeout }),
  };
}

/**
 * The path patterns of a route without the global prefix, so that `cats/:id` equals `cats/:cat`.
 */
export function patternsOf(controller: Controller, handler: Handler): readonly string[] {
  const prefixes = toStrings(Reflect.getMetadata(PATH, controller));
  const paths = toStrings(Reflect.getMetadata(PATH, handler));
  return prefixes.flatMap((prefix) => paths.map((path) => normalizePattern(`${prefix}/${path}`)));
}

/** Whether a pattern matches several paths. */
function hasParameter(pattern: string): boolean {
  return /[:*{(?+]/.test(pattern);
}

function normalizePattern(pattern: string): string {
  return pattern
    .split('/')
    .filter((part) => part !== '')
    .map((part) => part.replace(/:\w+/g, ':'))
    .join('/');
}

function toStrings(paths: unknown): readonly string[] {
  return (Array.isArray(paths) ? paths : [paths ?? '']).map(String);
}

function uncacheableReason(
  controller: Controller,
  handler: Handler,
  name: string | symbol,
): RouteConfig['uncacheable'] {
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

/** The request header that selects the version, in lower case. */
function versionHeader(versioning: VersioningOptions | undefined): string | undefined {
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
