import { describeType } from '../../core/key/percent-encoding.js';
import { CacheConfigError } from '../../ports/errors.js';
import { outsideKey } from './credentials.js';
import type { Exchange } from './request.js';
import { RequestView } from './request-view.js';
import { IDENTITY_CHOICES } from '../checks/route-checks.js';
import type { RoutePlan } from './route.js';

/** How the one who asks enters the key. */
interface Identity {
  readonly principal: string | undefined;
  /** The request is authenticated and its identity is not in the key. */
  readonly authenticated: boolean;
}

/** It does not, although the request says who asks: the request goes past the cache. */
interface Unknown {
  readonly unknown: 'credentials' | 'principal';
  /** What to tell the developer; undefined when that is what the route said. */
  readonly problem: CacheConfigError | undefined;
}

const NOBODY: Identity = Object.freeze({ principal: undefined, authenticated: false });

export function identify(plan: RoutePlan, exchange: Exchange): Identity | Unknown {
  const { credentials } = plan.http;
  let principal: string | undefined;
  try {
    principal = nameOf(plan.http.principal?.(new RequestView(exchange)));
  } catch (error) {
    return { unknown: 'principal', problem: principalError(plan, error) };
  }
  if (principal !== undefined) return { principal, authenticated: false };
  if (credentials === 'ignore') return NOBODY;
  const outside = outsideKey(plan.credentials, exchange);
  if (outside === undefined) return NOBODY;
  if (credentials === 'standard') return { principal, authenticated: outside !== 'cookie' };
  return { unknown: 'credentials', problem: credentials === undefined ? unsaid(plan) : undefined };
}

/**
 * Never a name that all share who have none: whoever writes `user?.id ?? ''` means nobody by it, and a Promise or an object has no text of its own.
 * From JavaScript it may be null, which is nobody, or the number of a row.
 */
function nameOf(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string' && given !== '') return given;
  if (typeof given === 'bigint' || (typeof given === 'number' && Number.isFinite(given)))
    return String(given);
  throw new TypeError(
    `it gave ${describeType(given)} where a text that is not empty was expected.`,
  );
}

function unsaid({ where, http }: RoutePlan): CacheConfigError {
  return new CacheConfigError(
    http.principal === undefined
      ? `a request for ${where} carries credentials, and the route does not say whether its answer depends on who asks. ${IDENTITY_CHOICES}`
      : `a request for ${where} carries credentials, but http.principal gave undefined for it. Take what a guard has verified; or say credentials: 'bypass' if that is meant, 'ignore' if such answers are the same for everyone.`,
  );
}

function principalError({ where }: RoutePlan, error: unknown): CacheConfigError {
  return new CacheConfigError(
    `http.principal of ${where} did not say who asks: ${error instanceof Error ? error.message : String(error)} Return undefined for nobody in particular.`,
    { cause: error },
  );
}
