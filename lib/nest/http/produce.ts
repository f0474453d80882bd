import { lastValueFrom, type Observable } from 'rxjs';
import { randomUUID } from 'node:crypto';
import { weakEtag } from '../../http/etag.js';
import {
  storableHeaders,
  toHeaderList,
  valuesOf,
  type HeaderList,
  type OutgoingHeaders,
} from '../../http/headers.js';
import { judgeResponse, type Refusal } from '../../http/storable.js';
import type { StoredResponse } from '../../http/stored-response.js';
import { DEFAULT_TTL, NULL_TTL_CAP } from '../../core/options/options.js';
import { MAX_DURATION_MS, toMilliseconds } from '../../ports/duration.js';
import type { Plain } from './respond.js';
import { surrogateOf } from './cdn.js';
import type { Exchange } from './request.js';
import type { HandlerRun } from './background-run.js';
import type { RouteCacheOptions } from './options.js';
import type { RoutePlan } from './route.js';

/** Why what a handler gave is for its own request only. */
export type Unshared =
  Refusal | 'stream' | 'unless' | 'sent' | 'unserialisable' | 'ttl' | 'tenant' | 'callback';

/** What running the handler gave. */
export type Production =
  | {
      readonly shared: true;
      readonly response: StoredResponse;
      readonly vary: readonly string[];
      readonly tags: readonly string[];
    }
  | {
      readonly shared: false;
      readonly reason: Unshared;
      readonly value: unknown;
      readonly status: number;
      /** Undefined for what goes out as the platform makes it. */ readonly plain:
        Plain | undefined;
    };

export interface HandlerParts {
  readonly plan: RoutePlan;
  readonly exchange: Exchange;
  readonly handle: () => Observable<unknown>;
  readonly authenticated: boolean;
  readonly now: () => number;
  /** Tags declared before the handler runs. */
  readonly knownTags: readonly string[];
  readonly run: HandlerRun;
  readonly warn: (kind: string, error: unknown) => void;
}

/**
 * Runs the handler and makes its answer into something that can be stored.
 * @throws whatever the handler throws, unchanged
 */
export async function runHandler(parts: HandlerParts): Promise<Production> {
  const { plan, exchange, handle, run, warn } = parts;
  // An observable without a value fails, as it does without a cache.
  const value = await lastValueFrom(handle());
  const { status } = run;
  const asItIs = (reason: Unshared): Production => ({
    shared: false,
    reason,
    value,
    status,
    plain: undefined,
  });
  if (run.aside === undefined && exchange.isSent) return asItIs('sent');
  const body = bodyOf(exchange, value);
  if (body === undefined) return asItIs('stream');
  if (body === 'unserialisable') return asItIs('unserialisable');

  const after = toHeaderList(run.outgoing());
  const isPlain = status >= 200 && status < 300 && status !== PARTIAL;
  const [ownTag] = valuesOf(after, 'etag');
  const makesTag =
    plan.http.etag !== false && isPlain && body.value !== undefined && body.value !== null;
  const plain: Plain = {
    status,
    body: body.value,
    json: body.json,
    etag: ownTag ?? (makesTag ? weakEtag(String(body.value)) : undefined),
    lastModified: valuesOf(after, 'last-modified')[0],
  };
  const refused = (reason: Unshared): Production => ({
    shared: false,
    reason,
    value,
    status,
    plain: isPlain ? plain : undefined,
  });
  try {
    const judged = judge(parts, value, plain, after);
    return typeof judged === 'string' ? refused(judged) : judged;
  } catch (error) {
    // A callback of the route threw. The answer is there all the same.
    warn(`callback, ${plan.where}`, error);
    return refused('callback');
  }
}

const PARTIAL = 206;

function judge(
  { plan, exchange, authenticated, now, knownTags, run }: HandlerParts,
  value: unknown,
  plain: Plain,
  after: HeaderList,
): Production | Unshared {
  const { options, http } = plan;
  // Found by the resolver within an interceptor only: the entry would be one that all tenants share.
  const tenant = run.key === undefined ? undefined : options.tenantOf?.(exchange.request);
  if (tenant !== undefined && tenant !== run.key?.tenant) return 'tenant';

  const receivedAt = now();
  const given = value as never;
  const said = options.saidOf?.(exchange.request);
  if (said?.skip === true || options.unless?.(given) === true) return 'unless';
  const routeTtlMs = ttlOf(options, value);
  if (routeTtlMs === 0 && http.freshness !== 'response') return 'ttl';
  const verdict = judgeResponse(
    { status: plain.status, headers: after, receivedAt },
    {
      ttlMs: http.freshness === 'response' ? undefined : routeTtlMs,
      staleWhileRevalidateMs: plan.staleWhileRevalidateMs,
      staleIfErrorMs: plan.staleIfErrorMs,
      statuses: http.statuses,
      authenticated,
    },
  );
  if (!verdict.store) return verdict.reason;

  const tags = [
    ...(typeof options.tags === 'function' ? options.tags(given) : []),
    ...(said?.tags ?? []),
  ];
  const surrogate = surrogateOf(plan.cdn, [...knownTags, ...tags]);
  const removed = removedFrom(run.before, after);
  const response: StoredResponse = {
    kind: 'response',
    ...plain,
    headers: addedBy(run.before, after),
    ...(removed.length > 0 && { removed }),
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

function ttlOf({ ttl, nullTtl }: RouteCacheOptions, value: unknown): number {
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

/** Undefined for what is not text when it goes out: streams, files, bytes. */
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
    // The platform will say what is wrong with it, as it would without a cache.
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

/** What the handler said, without what was there before: a request id or a CORS header belongs to one request. */
function addedBy(before: OutgoingHeaders, after: HeaderList): HeaderList {
  const old = toHeaderList(before);
  return storableHeaders(after).filter(
    ([name]) => valuesOf(old, name).join('\n') !== valuesOf(after, name).join('\n'),
  );
}

/** What was there before and is no longer: the handler does not want it on its answer. */
function removedFrom(before: OutgoingHeaders, after: HeaderList): readonly string[] {
  const left = new Set(after.map(([name]) => name));
  return Object.keys(before)
    .map((name) => name.toLowerCase())
    .filter((name) => !left.has(name));
}

/** A response may say 68 years; the cache keeps nothing for longer than it takes durations. */
function capped(ms: number): number {
  return Math.min(ms, MAX_DURATION_MS);
}

export function newGeneration(): string {
  return randomUUID();
}
