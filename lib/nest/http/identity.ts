import { describeType } from '../../core/key/percent-encoding.js';
import { CacheConfigError } from '../../ports/errors.js';
import type { HttpCacheOptions, RouteCacheOptions } from './options.js';
import type { Exchange } from './request.js';
import { RequestView } from './request-view.js';
import type { ResponseCache } from './response-cache.js';

export const IDENTITY_CHOICES =
  'Declare it in http: principal: (request) => ... makes the principal part of the key; ' +
  "credentials: 'bypass' lets requests with credentials bypass the cache, 'ignore' says that the " +
  "response is the same for everyone, 'standard' follows RFC 9111. Credentials are " +
  'Authorization, Cookie, Proxy-Authorization, X-Api-Key, a verified client certificate, and ' +
  'request.user when a guard has set it; name other headers that identify the client in ' +
  'credentialHeaders.';

/** The part of a route's configuration that decides about identity. */
export interface IdentityConfig {
  /** The route's name, for messages. */
  readonly where: string;
  /** The guard before the route, as a message names it; undefined when there is none. */
  readonly guard: string | undefined;
  readonly http: HttpCacheOptions;
  readonly credentials: CredentialHeaders;
}

/** The credential headers of a route: those that are part of its key, and all others. */
export interface CredentialHeaders {
  readonly inKey: readonly string[];
  readonly notInKey: readonly string[];
}

/** How the identity of a request enters its key. */
export interface Identity {
  readonly principal: string | undefined;
  /** The request is authenticated, and its identity is not in the key. */
  readonly authenticated: boolean;
}

/** The request carries an identity that is not in the key, so it bypasses the cache. */
export interface Unidentified {
  readonly bypass: 'credentials' | 'principal';
  /** A warning for the developer; undefined when the route asked for this. */
  readonly problem: CacheConfigError | undefined;
}

const ANONYMOUS: Identity = Object.freeze({ principal: undefined, authenticated: false });
const AUTHENTICATED: Identity = Object.freeze({ principal: undefined, authenticated: true });
const BYPASSED: Unidentified = Object.freeze({ bypass: 'credentials', problem: undefined });

/** Request headers that identify the client; a route may name more in `credentialHeaders`. */
const CREDENTIALS: readonly string[] = [
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-api-key',
];

export function identify(config: IdentityConfig, exchange: Exchange): Identity | Unidentified {
  const { credentials, principal: principalOf } = config.http;
  if (principalOf !== undefined) {
    try {
      const principal = principalText(principalOf(new RequestView(exchange)));
      if (principal !== undefined) return { principal, authenticated: false };
    } catch (error) {
      return { bypass: 'principal', problem: principalError(config, error) };
    }
  }
  if (credentials === 'ignore') return ANONYMOUS;
  const unkeyed = unkeyedCredentials(config.credentials, exchange);
  if (
    principalOf !== undefined &&
    config.guard !== undefined &&
    (unkeyed === undefined || credentials === 'standard')
  ) {
    const problem = credentials === undefined ? noPrincipalError(config) : undefined;
    return { bypass: 'principal', problem };
  }
  if (unkeyed === undefined) return ANONYMOUS;
  if (credentials === 'standard') return unkeyed === 'cookie' ? ANONYMOUS : AUTHENTICATED;
  if (credentials === 'bypass') return BYPASSED;
  return { bypass: 'credentials', problem: undeclaredIdentityError(config) };
}

/**
 * An empty string is refused: `user?.id ?? ''` would put all anonymous users under one principal.
 * So are objects and Promises, which have no useful text. JavaScript callers may return null (no
 * principal) or a number.
 */
function principalText(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string' && given !== '') return given;
  if (typeof given === 'bigint' || (typeof given === 'number' && Number.isFinite(given)))
    return String(given);
  throw new TypeError(`expected a non-empty string, got ${describeType(given)}.`);
}

/** The credential headers among `headers`, in lower case. */
export function credentialHeadersIn(
  headers: readonly string[],
  further: readonly string[],
): readonly string[] {
  const names = headers.map((name) => name.toLowerCase());
  return allCredentialHeaders(further).filter((name) => names.includes(name));
}

/** @param keyHeaders in lower case */
export function splitCredentialHeaders(
  { credentialHeaders = [] }: HttpCacheOptions,
  keyHeaders: readonly string[],
): CredentialHeaders {
  const inKey = credentialHeadersIn(keyHeaders, credentialHeaders);
  return {
    inKey,
    notInKey: allCredentialHeaders(credentialHeaders).filter((name) => !inKey.includes(name)),
  };
}

function allCredentialHeaders(further: readonly string[]): readonly string[] {
  return [...new Set([...CREDENTIALS, ...further.map((name) => name.toLowerCase())])];
}

/** Whether a header that is part of the key identifies the client. */
export function hasKeyedCredentials({ inKey }: CredentialHeaders, { headers }: Exchange): boolean {
  for (const name of inKey) if (headers[name] !== undefined) return true;
  return false;
}

/**
 * Credentials of the request that are not part of the key: a header, or, without one in the key,
 * the user that a guard has set or a verified client certificate. `'cookie'` is reported apart,
 * because RFC 9111 does not count a cookie alone.
 */
function unkeyedCredentials(
  credentials: CredentialHeaders,
  exchange: Exchange,
): 'cookie' | 'other' | undefined {
  const { headers, request } = exchange;
  let found: 'cookie' | undefined;
  for (const name of credentials.notInKey) {
    if (headers[name] === undefined) continue;
    if (name !== 'cookie') return 'other';
    found = 'cookie';
  }
  const authenticated =
    isAuthenticated(request.user) ||
    isAuthenticated(request.raw?.user) ||
    request.socket?.authorized === true;
  return authenticated && !hasKeyedCredentials(credentials, exchange) ? 'other' : found;
}

/** Strategies that admit anonymous requests set `user` to null or false. */
function isAuthenticated(user: unknown): boolean {
  return user !== undefined && user !== null && user !== false;
}

function undeclaredIdentityError({ where, http }: IdentityConfig): CacheConfigError {
  const carries = `a request for ${where} carries credentials`;
  return new CacheConfigError(
    http.principal === undefined
      ? `${carries}, but the route does not declare whether its response depends on the client. ` +
          IDENTITY_CHOICES
      : `${carries}, but http.principal returned undefined for it. Return what a guard has ` +
          "verified; or set credentials: 'bypass' if this is intended, 'ignore' if such " +
          'responses are the same for everyone.',
  );
}

/** The guard may know who asks by something else than what `principal` reads. */
function noPrincipalError({ where, guard }: IdentityConfig): CacheConfigError {
  return new CacheConfigError(
    `http.principal of ${where} returned undefined for a request that ${guard ?? 'a guard'} let ` +
      'through, so the key does not say who asks. Return what the guard has verified. To store ' +
      'responses for anonymous requests that it lets through, return a name for them: ' +
      "principal: (request) => ... ?? 'anonymous'; credentials: 'bypass' says that they are to " +
      'bypass the cache.',
  );
}

function principalError({ where }: IdentityConfig, error: unknown): CacheConfigError {
  const message = error instanceof Error ? error.message : String(error);
  return new CacheConfigError(
    `http.principal of ${where} failed: ${message} ` + 'Return undefined for an anonymous request.',
    { cause: error },
  );
}

/** Whether the cache requires a tenant and has no resolver that could give one; known at start. */
export function canNeverHaveTenant(cache: ResponseCache): boolean {
  return cache.tenancy === 'required' && !cache.hasTenantResolver;
}

/** Whether the cache requires a tenant and its resolver gives none for the current request. */
export function isTenantMissing(cache: ResponseCache): boolean {
  return cache.tenancy === 'required' && resolvedTenant(cache) === undefined;
}

/** The tenant in the keys of the current request. */
export function resolvedTenant(cache: ResponseCache): string | undefined {
  return cache.key().segment('tenant').build().tenant;
}

export function missingTenantError(
  where: string,
  options: RouteCacheOptions,
  cache: ResponseCache,
): CacheConfigError {
  const given = cache.hasTenantResolver
    ? 'its tenant resolver returned none for this request'
    : 'it has no tenant resolver';
  return new CacheConfigError(
    `responses of ${where} are not cached: cache '${options.cache}' has tenancy: 'required', and ` +
      `${given}. The tenant of a response comes from the resolver: give the cache one, ` +
      'CacheModule.forRoot({ tenant: () => ... }), or use another cache for the route, ' +
      '@Cacheable({ cache: ... }).',
  );
}
