import { GatewayTimeoutException } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import type { ForwardReason } from '../../http/cache-status.js';
import { type RequestWishes, satisfies } from '../../http/request.js';
import { freshnessLeft, type StoredResponse, type VaryRecord } from '../../http/stored-response.js';
import { CacheError, ProducerTimeoutError } from '../../ports/errors.js';
import { finish, restore, sayCacheStatus } from './respond.js';
import { refuseCdn } from './cdn.js';
import { Filling, isKept, type Kept, type LookupParts, passName } from './store-response.js';
import { lacksTenant, noTenantError } from './no-tenant.js';
import { answerOwn, forwardedFor, isForCdn, runAlone } from './own-answer.js';
import type { Detailed } from './response-cache.js';
import { routeKey } from './cache-key.js';

/** The answer to a GET: stored, produced by this request, or produced by another one that was running. */
export function answerFromCache(
  parts: LookupParts,
): Observable<unknown> | Promise<Observable<unknown>> {
  // The way of nearly every hit in memory, without a promise.
  const first = peekMemory(parts, undefined);
  const found = first?.value.kind === 'vary' ? peekMemory(parts, first.value) : first;
  return found?.value.kind === 'response'
    ? answerStored(parts, found.value, found, 'miss')
    : answerThroughCache(parts, first);
}

function peekMemory(
  { plan, cache, exchange, principal }: LookupParts,
  variant: VaryRecord | undefined,
): Detailed<Kept> | undefined {
  try {
    const found = cache.peekMemory<Kept>(routeKey(plan, exchange, principal, variant), plan.fill);
    return isKept(found?.value) ? found : undefined;
  } catch {
    // The long way meets the same trouble, and tells of it.
    return undefined;
  }
}

/** @param first what is in memory under the key of the URI */
async function answerThroughCache(
  parts: LookupParts,
  first: Detailed<Kept> | undefined,
): Promise<Observable<unknown>> {
  const filling = new Filling(parts);
  let miss: ForwardReason = 'uri-miss';
  let variant: VaryRecord | undefined;
  let found: Detailed<Kept> | undefined;
  try {
    found = first ?? (passes(parts, undefined) ? undefined : await filling.ask(undefined));
    if (found?.value.kind === 'vary' && filling.own === undefined) {
      miss = 'vary-miss';
      variant = found.value;
      found = passes(parts, variant) ? undefined : await filling.ask(variant);
    }
  } catch (error) {
    return afterFailure(parts, filling, miss, error);
  }
  if (found === undefined) return runAlone(parts, { fwd: miss }, variant);
  return settle(parts, filling, filling.own?.wasStale === true ? 'stale' : miss, found);
}

function passes(parts: LookupParts, variant: VaryRecord | undefined): boolean {
  return parts.learnt.passes.has(() => passName(parts, variant), parts.now());
}

async function settle(
  parts: LookupParts,
  filling: Filling,
  fwd: ForwardReason,
  found: Detailed<Kept>,
): Promise<Observable<unknown>> {
  const { own } = filling;
  if (own !== undefined && found.outcome !== 'fallback' && found.outcome !== 'stale') {
    return answerOwn(parts, await own.settled, { fwd, stored: found.createdAt !== undefined });
  }
  const { value } = found;
  if (value.kind !== 'response') {
    if (own !== undefined) return answerOwn(parts, await own.settled, { fwd });
    const reason = value.kind === 'unshared' ? value.reason : undefined;
    return runAlone(parts, {
      fwd: reason === undefined ? fwd : forwardedFor(parts, reason, fwd),
      detail: reason ?? 'not-shared',
    });
  }
  own?.leave();
  return answerStored(parts, value, found, fwd);
}

/** @param fwd why the request that produced the answer was not answered from the cache; another one than this */
function answerStored(
  parts: LookupParts,
  value: StoredResponse,
  { outcome, createdAt }: Detailed<Kept>,
  fwd: ForwardReason,
): Observable<unknown> {
  const { exchange, plan } = parts;
  const now = parts.now();
  restore(exchange, value);
  const fresh = outcome === 'hit' || outcome === 'miss' || outcome === 'joined';
  const left = freshnessLeft(value, now) / 1000;
  if (outcome === 'miss' || outcome === 'joined')
    sayCacheStatus(exchange, { hit: false, fwd, collapsed: true, ttl: left });
  else if (outcome === 'hit') sayCacheStatus(exchange, { hit: true, ttl: left });
  else
    sayCacheStatus(exchange, {
      hit: true,
      ttl: Math.min(left, -1),
      detail: outcome === 'stale' ? 'stale-while-revalidate' : 'stale-if-error',
    });
  return of(
    finish(plan, exchange, value, now, {
      reused: true,
      forCdn: fresh && createdAt !== undefined && isForCdn(parts),
    }),
  );
}

/** What the handler threw goes on unchanged; trouble of the cache fails no request. */
async function afterFailure(
  parts: LookupParts,
  filling: Filling,
  fwd: ForwardReason,
  error: unknown,
): Promise<Observable<unknown>> {
  if (filling.own !== undefined) {
    // The handler runs or has run for this request: never twice.
    sayCacheStatus(parts.exchange, { hit: false, fwd });
    const production = await filling.own.settled.catch((thrown: unknown) => {
      refuseCdn(parts.plan.cdn, parts.exchange);
      throw thrown;
    });
    return answerOwn(parts, production, { fwd });
  }
  if (!(error instanceof CacheError) || parts.learnt.thrownByHandlers.has(error)) {
    sayCacheStatus(parts.exchange, { hit: false, fwd, collapsed: true });
    refuseCdn(parts.plan.cdn, parts.exchange);
    throw error;
  }
  const { plan, cache } = parts;
  if (error instanceof ProducerTimeoutError) {
    // A handler that is too slow for one would be slower still for all who waited, at once.
    sayCacheStatus(parts.exchange, { hit: false, fwd, collapsed: true, detail: 'timeout' });
    refuseCdn(plan.cdn, parts.exchange);
    throw new GatewayTimeoutException(undefined, { cause: error });
  }
  if (lacksTenant(cache)) {
    parts.warn(`no tenant, ${plan.where}`, noTenantError(plan, cache));
    return runAlone(parts, { fwd: 'bypass', detail: 'no-tenant' });
  }
  parts.warn(`${error.code}, ${plan.where}`, error);
  return runAlone(parts, { fwd: 'bypass', detail: 'cache-error' });
}

const GATEWAY_TIMEOUT = 504;

/** For HEAD, which may be answered by what a GET stored but stores nothing, and for requests that do not take everything that is stored. */
export async function peekAnswer(
  parts: LookupParts,
  wishes: RequestWishes,
): Promise<Observable<unknown>> {
  const { exchange, plan } = parts;
  const stored = await peek(parts);
  const now = parts.now();
  if (stored !== undefined && freshnessLeft(stored, now) > 0 && satisfies(stored, wishes, now)) {
    restore(exchange, stored);
    sayCacheStatus(exchange, { hit: true, ttl: freshnessLeft(stored, now) / 1000 });
    return of(finish(plan, exchange, stored, now, { reused: true, forCdn: isForCdn(parts) }));
  }
  if (wishes.onlyIfCached) {
    // Nothing is forwarded.
    sayCacheStatus(exchange, { hit: false, detail: 'only-if-cached' });
    refuseCdn(plan.cdn, exchange);
    exchange.status = GATEWAY_TIMEOUT;
    return of(undefined);
  }
  // Whether there is something stale was not asked.
  return runAlone(parts, { fwd: stored === undefined ? 'miss' : 'request' });
}

async function peek(parts: LookupParts): Promise<StoredResponse | undefined> {
  try {
    const first = await get(parts, undefined);
    const found = first?.kind === 'vary' ? await get(parts, first) : first;
    return found?.kind === 'response' ? found : undefined;
  } catch (error) {
    parts.warn('peek', error);
    return undefined;
  }
}

async function get(
  { plan, cache, exchange, principal }: LookupParts,
  variant: VaryRecord | undefined,
): Promise<Kept | undefined> {
  const value = await cache.get(routeKey(plan, exchange, principal, variant), plan.fill);
  return isKept(value) ? value : undefined;
}
