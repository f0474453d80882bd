import { type Observable, of } from 'rxjs';
import type { ForwardReason } from '../../http/cache-status.js';
import { freshnessLeft, type VaryRecord } from '../../http/stored-response.js';
import { conclude, finish, sayCacheStatus } from './respond.js';
import { refuseCdn } from './cdn.js';
import { isNamedInKey } from './credentials.js';
import { type LookupParts, passName, warnUnfit } from './store-response.js';
import { HandlerRun } from './background-run.js';
import { type Production, runHandler, type Unshared } from './produce.js';

/** How the cache came to run the handler for this request. */
export interface Forwarded {
  readonly fwd: ForwardReason;
  readonly stored?: boolean;
  /** Default: why the answer is not for others. */
  readonly detail?: string;
}

/** Is the key of the answer all in what a CDN sees? */
export function isForCdn({ plan, cache, exchange, principal }: LookupParts): boolean {
  return (
    principal === undefined &&
    !plan.hiddenVersion &&
    !isNamedInKey(plan.credentials, exchange) &&
    (plan.cdn?.tenants === 'by-url' || cache.hasTenantResolver !== true)
  );
}

/** The answer of this request's own run of the handler. */
export function answerOwn(
  parts: LookupParts,
  production: Production,
  { fwd, stored = false, detail }: Forwarded,
): Observable<unknown> {
  const { exchange, plan } = parts;
  const now = parts.now();
  if (!production.shared) {
    const { reason, plain, value } = production;
    sayCacheStatus(exchange, {
      hit: false,
      fwd: forwardedFor(parts, reason, fwd),
      detail: detail ?? reason,
    });
    refuseCdn(plan.cdn, exchange);
    return of(plain === undefined ? value : conclude(exchange, plain, now));
  }
  const { response } = production;
  sayCacheStatus(exchange, {
    hit: false,
    fwd,
    stored,
    ...(stored && { ttl: freshnessLeft(response, now) / 1000 }),
    ...(detail && { detail }),
  });
  // Past the cache nobody knows for whom the answer is: it says nothing of its own about who may keep it.
  if (fwd === 'bypass') return of(conclude(exchange, response, now));
  return of(
    finish(plan, exchange, response, now, { reused: false, forCdn: stored && isForCdn(parts) }),
  );
}

/** An answer that could never have been cached went past the cache, as far as anybody can tell from it. */
export function forwardedFor(
  parts: LookupParts,
  reason: Unshared,
  fwd: ForwardReason,
): ForwardReason {
  return warnUnfit(parts, reason) ? 'bypass' : fwd;
}

/** Runs the handler for this request only. Its answer has the tag and the conditions of one that is stored, so that a reload is a 304 too. */
export async function runAlone(
  parts: LookupParts,
  forwarded: Forwarded,
  variant?: VaryRecord,
): Promise<Observable<unknown>> {
  const { plan, exchange, learnt } = parts;
  // Said before, so that it is said of what the handler throws as well.
  sayCacheStatus(exchange, { hit: false, ...forwarded });
  refuseCdn(plan.cdn, exchange);
  const run = new HandlerRun(exchange, exchange.outgoing(), undefined);
  const production = await runHandler({ ...parts, knownTags: [], run });
  if (production.shared) learnt.passes.remove(() => passName(parts, variant));
  return answerOwn(parts, production, forwarded);
}
