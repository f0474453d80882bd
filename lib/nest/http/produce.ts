import { randomUUID } from 'node:crypto';
import { lastValueFrom } from 'rxjs';
import { weakEtag } from '../../http/etag.js';
import {
  storableHeaders,
  toHeaderList,
  valuesOf,
  type HeaderList,
  type OutgoingHeaders,
} from '../../http/headers.js';
import { judgeStorability } from '../../http/storable.js';
import type { StoredResponse } from '../../http/stored-response.js';
import { DEFAULT_TTL, NULL_TTL_CAP } from '../../core/options/options.js';
import { MAX_DURATION_MS, toMilliseconds } from '../../ports/duration.js';
import type { HandlerRun } from './background-run.js';
import { surrogateHeader } from './cdn.js';
import type { UnshareableReason } from './observations.js';
import type { RouteCacheOptions } from './options.js';
import type { Exchange } from './request.js';
import type { RequestContext } from './request-context.js';
import { addVary, observeReads } from './vary.js';

/** The parts of a response that its `ETag` and a 304 depend on. */
export type ResponseBody = Pick<
  StoredResponse,
  'status' | 'body' | 'json' | 'etag' | 'lastModified'
>;

/** The result of a handler run. */
export type HandlerResult =
  | {
      readonly shared: true;
      readonly response: StoredResponse;
      readonly vary: readonly string[];
      readonly tags: readonly string[];
    }
  | {
      readonly shared: false;
      readonly reason: UnshareableReason;
      /** The value as the handler returned it. */
      readonly value: unknown;
      readonly status: number;
      /** Undefined for what the platform must send itself. */
      readonly response: ResponseBody | undefined;
    };

const PARTIAL_CONTENT = 206;

/**
 * Runs the handler and turns its result into a response that can be stored.
 * @param knownTags tags declared before the handler runs
 * @throws whatever the handler throws, unchanged
 */
export async function runHandler(
  context: RequestContext,
  run: HandlerRun,
  knownTags: readonly string[],
): Promise<HandlerResult> {
  const { route, exchange } = context;
  // An observable without a value fails, as it does without a cache.
  const handle = (): Promise<unknown> => lastValueFrom(context.next.handle());
  const { value, read } = context.observations.unkeyedRoutes.has(route)
    ? await observeReads(route, exchange, handle)
    : { value: await handle(), read: [] };
  const { status } = run;
  const unshared = (reason: UnshareableReason, response?: ResponseBody): HandlerResult => ({
    shared: false,
    reason,
    value,
    status,
    response,
  });
  if (run.captured === undefined && exchange.isSent) return unshared('sent');
  // What was made of a header is found only by requests that have the same.
  addVary(exchange, read);
  const body = bodyOf(exchange, value);
  if (body === undefined) return unshared('stream');
  if (body === 'unserialisable') return unshared('unserialisable');

  const headers = toHeaderList(run.outgoing());
  const isComplete = status >= 200 && status < 300 && status !== PARTIAL_CONTENT;
  const [ownTag] = valuesOf(headers, 'etag');
  const getsTag =
    route.http.etag !== false && isComplete && body.value !== undefined && body.value !== null;
  const response: ResponseBody = {
    status,
    body: body.value,
    json: body.json,
    etag: ownTag ?? (getsTag ? weakEtag(String(body.value)) : undefined),
    lastModified: valuesOf(headers, 'last-modified')[0],
  };
  const unsharedResponse = isComplete ? response : undefined;
  try {
    const result = toStored(context, run, { value, response, headers, knownTags });
    return typeof result === 'string' ? unshared(result, unsharedResponse) : result;
  } catch (error) {
    // A callback of the route threw; the response is complete all the same.
    context.warn(`callback, ${route.where}`, error);
    return unshared('callback', unsharedResponse);
  }
}

interface HandlerOutput {
  readonly value: unknown;
  readonly response: ResponseBody;
  readonly headers: HeaderList;
  readonly knownTags: readonly string[];
}

/** The response as it is stored, or why it cannot be shared. */
function toStored(
  context: RequestContext,
  run: HandlerRun,
  { value, response, headers, knownTags }: HandlerOutput,
): HandlerResult | UnshareableReason {
  const { route, exchange, identity } = context;
  const { options, http } = route;
  // The resolver found a tenant only within an interceptor: all tenants would share the entry.
  const tenant = run.key === undefined ? undefined : options.tenantOf?.(exchange.request);
  if (tenant !== undefined && tenant !== run.key?.tenant) return 'tenant';

  const receivedAt = context.now();
  const given = value as never;
  const directives = options.directivesOf?.(exchange.request);
  if (directives?.skip === true || options.unless?.(given) === true) return 'unless';
  const routeTtlMs = ttlMs(options, value);
  if (routeTtlMs === 0 && http.freshness !== 'response') return 'ttl';
  const storability = judgeStorability(
    { status: response.status, headers, receivedAt },
    {
      ttlMs: http.freshness === 'response' ? undefined : routeTtlMs,
      staleWhileRevalidateMs: route.staleWhileRevalidateMs,
      staleIfErrorMs: route.staleIfErrorMs,
      statuses: http.statuses,
      authenticated: identity.authenticated,
    },
  );
  if (!storability.store) return storability.reason;

  const tags = [
    ...(typeof options.tags === 'function' ? options.tags(given) : []),
    ...(directives?.tags ?? []),
  ];
  const surrogate = surrogateHeader(route.cdn, [...knownTags, ...tags]);
  const removed = removedHeaders(run.before, headers);
  const stored: StoredResponse = {
    kind: 'response',
    ...response,
    headers: addedHeaders(run.before, headers),
    ...(removed.length > 0 && { removed }),
    ...(surrogate === undefined ? undefined : { surrogate }),
    storedAt: receivedAt,
    initialAge: storability.initialAge,
    freshMs: atMostMax(storability.freshMs),
    staleMs: atMostMax(storability.staleMs),
    fallbackMs: atMostMax(storability.fallbackMs),
  };
  const vary = storability.vary.filter((name) => !route.keyHeaders.includes(name));
  return { shared: true, response: stored, vary, tags };
}

function ttlMs({ ttl, nullTtl }: RouteCacheOptions, value: unknown): number {
  const ms = toMilliseconds(
    (typeof ttl === 'function' ? ttl(value as never) : ttl) ?? DEFAULT_TTL,
    'ttl',
  );
  if (value !== null) return ms;
  return nullTtl === undefined ? Math.min(ms, NULL_TTL_CAP) : toMilliseconds(nullTtl, 'nullTtl');
}

interface Body {
  readonly value: StoredResponse['body'];
  readonly json: boolean;
}

/** Undefined for what is not sent as text: streams, files, bytes. */
function bodyOf(exchange: Exchange, value: unknown): Body | 'unserialisable' | undefined {
  if (
    value === undefined ||
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  ) {
    return { value, json: false };
  }
  if (typeof value !== 'object') return 'unserialisable';
  if (isStream(value)) return undefined;
  try {
    const text = exchange.toJson(value);
    return text === undefined ? 'unserialisable' : { value: text, json: true };
  } catch {
    // The platform reports what is wrong with it, as it would without a cache.
    return 'unserialisable';
  }
}

function isStream(value: object): boolean {
  if (
    value instanceof Error ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Response
  )
    return true;
  return ['pipe', 'getStream', 'getReader'].some(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );
}

/**
 * The headers that the handler set. Those that were there before (a request id, CORS headers)
 * belong to this request only.
 */
function addedHeaders(before: OutgoingHeaders, after: HeaderList): HeaderList {
  const old = toHeaderList(before);
  return storableHeaders(after).filter(
    ([name]) => valuesOf(old, name).join('\n') !== valuesOf(after, name).join('\n'),
  );
}

/** The headers that were there before and that the handler has removed. */
function removedHeaders(before: OutgoingHeaders, after: HeaderList): readonly string[] {
  const left = new Set(after.map(([name]) => name));
  return Object.keys(before)
    .map((name) => name.toLowerCase())
    .filter((name) => !left.has(name));
}

/** A response may declare 68 years, which is more than the cache accepts as a duration. */
function atMostMax(ms: number): number {
  return Math.min(ms, MAX_DURATION_MS);
}

export function newGeneration(): string {
  return randomUUID();
}
