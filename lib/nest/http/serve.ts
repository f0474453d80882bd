import { GatewayTimeoutException } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { GetOrSetResult } from '../../core/read/get-or-set-result.js';
import type { ForwardReason } from '../../http/cache-status.js';
import { type RequestDirectives, satisfies } from '../../http/request.js';
import {
  freshnessLeftMs,
  type StoredResponse,
  type VaryRecord,
} from '../../http/stored-response.js';
import { CacheError, ProducerTimeoutError } from '../../ports/errors.js';
import { routeKey } from './cache-key.js';
import { forbidCdn } from './cdn.js';
import { isTenantMissing, missingTenantError } from './identity.js';
import type { RequestContext } from './request-context.js';
import {
  applyStored,
  emit,
  finalizeHeaders,
  forwardReason,
  mayCdnStore,
  runUncached,
  sendOwn,
  setCacheStatus,
} from './respond.js';
import { isStored, ResponseProducer, type Stored } from './store-response.js';

/** Answers a GET by a stored response, this request's own run, or a run that it joins. */
export function serve(context: RequestContext): Observable<unknown> | Promise<Observable<unknown>> {
  // Nearly every hit in memory ends here, without a promise.
  const first = peekMemory(context, undefined);
  const found = first?.value.kind === 'vary' ? peekMemory(context, first.value) : first;
  return found?.value.kind === 'response'
    ? sendStored(context, found.value, found, 'miss')
    : serveThroughCache(context, first);
}

function peekMemory(
  { route, cache, exchange, principal }: RequestContext,
  variant: VaryRecord | undefined,
): GetOrSetResult<Stored> | undefined {
  try {
    const key = routeKey(route, exchange, principal, variant);
    const found = cache.peekMemory<Stored>(key, route.cacheOptions);
    return isStored(found?.value) ? found : undefined;
  } catch {
    // The full lookup runs into the same problem, and reports it.
    return undefined;
  }
}

/** @param first what memory has under the key of the URI */
async function serveThroughCache(
  context: RequestContext,
  first: GetOrSetResult<Stored> | undefined,
): Promise<Observable<unknown>> {
  const producer = new ResponseProducer(context);
  let miss: ForwardReason = 'uri-miss';
  let variant: VaryRecord | undefined;
  let found: GetOrSetResult<Stored> | undefined;
  try {
    found =
      first ?? (isUnshareable(context, undefined) ? undefined : await producer.load(undefined));
    if (found?.value.kind === 'vary' && producer.own === undefined) {
      miss = 'vary-miss';
      variant = found.value;
      found = isUnshareable(context, variant) ? undefined : await producer.load(variant);
    }
  } catch (error) {
    return serveFailure(context, producer, miss, error);
  }
  if (found === undefined) return runUncached(context, { fwd: miss }, variant);
  const fwd = producer.own?.hadStale === true ? 'stale' : miss;
  return serveResult(context, producer, fwd, found);
}

function isUnshareable(context: RequestContext, variant: VaryRecord | undefined): boolean {
  const { unshareableKeys } = context.observations;
  return unshareableKeys.has(() => context.unshareableName(variant), context.now());
}

async function serveResult(
  context: RequestContext,
  { own }: ResponseProducer,
  fwd: ForwardReason,
  found: GetOrSetResult<Stored>,
): Promise<Observable<unknown>> {
  if (own !== undefined && found.outcome !== 'fallback' && found.outcome !== 'stale') {
    const stored = found.createdAt !== undefined;
    return sendOwn(context, await own.result, { fwd, stored });
  }
  const { value } = found;
  if (value.kind === 'response') {
    own?.abandon();
    return sendStored(context, value, found, fwd);
  }
  if (own !== undefined) return sendOwn(context, await own.result, { fwd });
  const reason = value.kind === 'unshared' ? value.reason : undefined;
  return runUncached(context, {
    fwd: reason === undefined ? fwd : forwardReason(context, reason, fwd),
    detail: reason ?? 'not-shared',
  });
}

/** @param fwd why the request that produced the response, another one, went to the handler */
function sendStored(
  context: RequestContext,
  response: StoredResponse,
  { outcome, createdAt }: GetOrSetResult<Stored>,
  fwd: ForwardReason,
): Observable<unknown> {
  const { exchange, route } = context;
  const now = context.now();
  applyStored(exchange, response);
  const isJoined = outcome === 'miss' || outcome === 'joined';
  const ttl = freshnessLeftMs(response, now) / 1000;
  if (outcome === 'hit') setCacheStatus(exchange, { hit: true, ttl });
  else if (isJoined) setCacheStatus(exchange, { hit: false, fwd, collapsed: true, ttl });
  else {
    setCacheStatus(exchange, {
      hit: true,
      ttl: Math.min(ttl, -1),
      detail: outcome === 'stale' ? 'stale-while-revalidate' : 'stale-if-error',
    });
  }
  const forCdn =
    route.cdn !== undefined &&
    (outcome === 'hit' || isJoined) &&
    createdAt !== undefined &&
    mayCdnStore(context);
  return emit(finalizeHeaders(route, exchange, response, now, { reused: true, forCdn }));
}

/** Errors of the handler are rethrown unchanged; problems of the cache fail no request. */
async function serveFailure(
  context: RequestContext,
  { own }: ResponseProducer,
  fwd: ForwardReason,
  error: unknown,
): Promise<Observable<unknown>> {
  const { route, cache, exchange, observations } = context;
  if (own !== undefined) {
    // The handler has been called for this request and must not be called twice.
    setCacheStatus(exchange, { hit: false, fwd });
    const result = await own.result.catch((thrown: unknown) => {
      forbidCdn(route.cdn, exchange);
      throw thrown;
    });
    return sendOwn(context, result, { fwd });
  }
  if (!(error instanceof CacheError) || observations.handlerErrors.has(error)) {
    setCacheStatus(exchange, { hit: false, fwd, collapsed: true });
    forbidCdn(route.cdn, exchange);
    throw error;
  }
  if (error instanceof ProducerTimeoutError) {
    // If every waiting request now ran the slow handler, it would become slower still.
    setCacheStatus(exchange, { hit: false, fwd, collapsed: true, detail: 'timeout' });
    forbidCdn(route.cdn, exchange);
    throw new GatewayTimeoutException(undefined, { cause: error });
  }
  if (isTenantMissing(cache)) {
    const { where, options } = route;
    context.warn(`no tenant, ${where}`, missingTenantError(where, options, cache));
    return runUncached(context, { fwd: 'bypass', detail: 'no-tenant' });
  }
  context.warn(`${error.code}, ${route.where}`, error);
  return runUncached(context, { fwd: 'bypass', detail: 'cache-error' });
}

const GATEWAY_TIMEOUT = 504;

/**
 * For a request whose handler may answer it in another way than it answers others: by what is
 * stored, or by a run that is neither shared nor stored.
 */
export async function serveStoredOnly(
  context: RequestContext,
  directives: RequestDirectives,
): Promise<Observable<unknown>> {
  const { response } = await storedResponse(context);
  const answer = answerByStored(context, directives, response);
  // 'stale' is no possible reason: `get` does not tell whether a stale response exists.
  return answer ?? runUncached(context, { fwd: response === undefined ? 'miss' : 'request' });
}

/**
 * For a request that does not accept every stored response: by one that it accepts, or by a run
 * that is shared with all who ask for the same meanwhile, and stored.
 */
export async function serveReload(
  context: RequestContext,
  directives: RequestDirectives,
): Promise<Observable<unknown>> {
  const { response, variant } = await storedResponse(context);
  const answer = answerByStored(context, directives, response);
  if (answer !== undefined) return answer;
  const fwd = response === undefined ? 'miss' : 'request';
  if (isUnshareable(context, variant)) return runUncached(context, { fwd }, variant);
  const producer = new ResponseProducer(context, 'reload');
  try {
    let found = await producer.load(variant);
    if (found.value.kind === 'vary' && producer.own === undefined)
      found = await producer.load(found.value);
    return await serveResult(context, producer, fwd, found);
  } catch (error) {
    return serveFailure(context, producer, fwd, error);
  }
}

/** Undefined when the handler has to answer. */
function answerByStored(
  context: RequestContext,
  directives: RequestDirectives,
  stored: StoredResponse | undefined,
): Observable<unknown> | undefined {
  const { exchange, route } = context;
  const now = context.now();
  const leftMs = stored === undefined ? 0 : freshnessLeftMs(stored, now);
  if (stored !== undefined && leftMs > 0 && satisfies(stored, directives, now)) {
    applyStored(exchange, stored);
    setCacheStatus(exchange, { hit: true, ttl: leftMs / 1000 });
    const forCdn = mayCdnStore(context);
    return emit(finalizeHeaders(route, exchange, stored, now, { reused: true, forCdn }));
  }
  if (directives.onlyIfCached) {
    // Nothing is forwarded.
    setCacheStatus(exchange, { hit: false, detail: 'only-if-cached' });
    forbidCdn(route.cdn, exchange);
    exchange.status = GATEWAY_TIMEOUT;
    return emit(undefined);
  }
  return undefined;
}

interface StoredFor {
  readonly response: StoredResponse | undefined;
  /** What selects the response of this request, when it varies. */
  readonly variant: VaryRecord | undefined;
}

async function storedResponse(context: RequestContext): Promise<StoredFor> {
  try {
    const first = await getStored(context, undefined);
    const variant = first?.kind === 'vary' ? first : undefined;
    const found = variant === undefined ? first : await getStored(context, variant);
    return { response: found?.kind === 'response' ? found : undefined, variant };
  } catch (error) {
    context.warn('peek', error);
    return { response: undefined, variant: undefined };
  }
}

async function getStored(
  { route, cache, exchange, principal }: RequestContext,
  variant: VaryRecord | undefined,
): Promise<Stored | undefined> {
  const key = routeKey(route, exchange, principal, variant);
  const value = await cache.get(key, route.cacheOptions);
  return isStored(value) ? value : undefined;
}
