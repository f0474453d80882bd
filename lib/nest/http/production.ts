import { lastValueFrom, type Observable } from 'rxjs';
import { randomUUID } from 'node:crypto';
import { strongEtag } from '../../http/etag.js';
import { storableHeaders, toHeaderList, valuesOf, type HeaderList, type OutgoingHeaders } from '../../http/headers.js';
import { judgeResponse, type Refusal } from '../../http/storable.js';
import type { StoredResponse } from '../../http/stored-response.js';
import { MAX_DURATION_MS, toMilliseconds } from '../../ports/duration.js';
import { surrogateOf } from './cdn.js';
import type { Exchange } from './exchange.js';
import type { RoutePlan } from './route-plan.js';

/** Why what a handler gave is for its own request only. */
export type Unshared = Refusal | 'stream' | 'unless' | 'sent' | 'unserialisable' | 'ttl';

/** What running the handler gave. */
export type Production =
  | { readonly shared: true; readonly response: StoredResponse; readonly vary: readonly string[]; readonly tags: readonly string[] }
  | { readonly shared: false; readonly reason: Unshared; readonly value: unknown };

/**
 * Runs the handler and makes its answer into something that can be stored.
 * @param detached the response of the request is out already
 * @param knownTags declared before the handler runs
 * @throws whatever the handler throws, unchanged
 */
export async function runHandler(
  plan: RoutePlan,
  exchange: Exchange,
  handle: () => Observable<unknown>,
  authenticated: boolean,
  now: () => number,
  detached: boolean,
  knownTags: readonly string[],
): Promise<Production> {
  const before = exchange.outgoing();
  const value = await lastValueFrom(handle(), { defaultValue: undefined });
  const refused = (reason: Unshared): Production => ({ shared: false, reason, value });
  if (!detached && exchange.isSent) return refused('sent');
  const body = bodyOf(exchange, value);
  if (body === undefined) return refused('stream');
  if (body === 'unserialisable') return refused('unserialisable');

  const receivedAt = now();
  const { options, http } = plan;
  const given = value as never;
  const said = options.saidOf?.(exchange.request);
  if (said?.skip === true || options.unless?.(given) === true) return refused('unless');
  const ttl = typeof options.ttl === 'function' ? options.ttl(given) : options.ttl;
  const routeTtlMs = toMilliseconds(ttl ?? DEFAULT_TTL_MS, 'ttl');
  if (routeTtlMs === 0 && http.freshness !== 'response') return refused('ttl');
  const { status } = exchange;
  const after = toHeaderList(exchange.outgoing());
  const verdict = judgeResponse(
    { status, headers: after, receivedAt },
    {
      ttlMs: http.freshness === 'response' ? undefined : routeTtlMs,
      staleWhileRevalidateMs: plan.staleWhileRevalidateMs,
      staleIfErrorMs: plan.staleIfErrorMs,
      statuses: http.statuses,
      authenticated,
    },
  );
  if (!verdict.store) return refused(verdict.reason);

  const [ownTag] = valuesOf(after, 'etag');
  const makesTag = http.etag !== false && status >= 200 && status < 300 && body.value !== undefined && body.value !== null;
  const tags = [...(typeof options.tags === 'function' ? options.tags(given) : []), ...(said?.tags ?? [])];
  const surrogate = surrogateOf(plan.cdn, [...knownTags, ...tags]);
  const response: StoredResponse = {
    kind: 'response',
    status,
    headers: addedBy(before, after),
    body: body.value,
    json: body.json,
    etag: ownTag ?? (makesTag ? strongEtag(String(body.value)) : undefined),
    lastModified: valuesOf(after, 'last-modified')[0],
    ...(surrogate === undefined ? undefined : { surrogate }),
    storedAt: receivedAt,
    initialAge: verdict.initialAge,
    freshMs: capped(verdict.freshMs),
    staleMs: capped(verdict.staleMs),
    fallbackMs: capped(verdict.fallbackMs),
  };
  const vary = verdict.vary.filter((name) => !plan.keyHeaders.includes(name));
  return { shared: true, response, vary, tags };
}

/** As everywhere in the cache. */
const DEFAULT_TTL_MS = 30_000;

interface Body {
  readonly value: StoredResponse['body'];
  readonly json: boolean;
}

/** Undefined for what is not text when it goes out: streams, files, bytes. */
function bodyOf(exchange: Exchange, value: unknown): Body | 'unserialisable' | undefined {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { value, json: false };
  }
  if (typeof value !== 'object') return 'unserialisable';
  if (isStream(value)) return undefined;
  try {
    const text = exchange.toJson(value);
    return text === undefined ? 'unserialisable' : { value: text, json: true };
  } catch {
    // The platform will say what is wrong with it, as it would without a cache.
    return 'unserialisable';
  }
}

function isStream(value: object): boolean {
  if (value instanceof Error || ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Response) return true;
  return ['pipe', 'getStream', 'getReader'].some((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** What the handler said, without what was there before: a request id or a CORS header belongs to one request. */
function addedBy(before: OutgoingHeaders, after: HeaderList): HeaderList {
  const old = toHeaderList(before);
  return storableHeaders(after).filter(([name]) => valuesOf(old, name).join('\n') !== valuesOf(after, name).join('\n'));
}

/** A response may say 68 years; the cache keeps nothing for longer than it takes durations. */
function capped(ms: number): number {
  return Math.min(ms, MAX_DURATION_MS);
}

export function newGeneration(): string {
  return randomUUID();
}
