import type { Exchange } from './request.js';
import type { HttpCacheOptions } from './options.js';

/** The request headers that say who asks; a route may name further ones. */
const CREDENTIALS: readonly string[] = [
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-api-key',
];

/** Those of the headers that say who asks, in lower case. */
export function credentialsAmong(
  headers: readonly string[],
  further: readonly string[],
): readonly string[] {
  const names = headers.map((name) => name.toLowerCase());
  return namesWith(further).filter((name) => names.includes(name));
}

function namesWith(further: readonly string[]): readonly string[] {
  return [...new Set([...CREDENTIALS, ...further.map((name) => name.toLowerCase())])];
}

/** What of a route's credentials its key has, and what not. */
export interface CredentialPlan {
  /** Headers that say who asks and are part of the key. */
  readonly inKey: readonly string[];
  readonly notInKey: readonly string[];
}

/** @param keyHeaders in lower case */
export function planCredentials(
  { credentialHeaders = [] }: HttpCacheOptions,
  keyHeaders: readonly string[],
): CredentialPlan {
  const inKey = credentialsAmong(keyHeaders, credentialHeaders);
  return { inKey, notInKey: namesWith(credentialHeaders).filter((name) => !inKey.includes(name)) };
}

/** Is the one who asks named by a header of the key? */
export function isNamedInKey({ inKey }: CredentialPlan, { headers }: Exchange): boolean {
  for (const name of inKey) if (headers[name] !== undefined) return true;
  return false;
}

/**
 * What says who asks although the key does not: a header, or without one of those in the key what a guard or the connection knows.
 * `'cookie'` is told apart, since for shared caches a cookie alone does not count.
 */
export function outsideKey(
  plan: CredentialPlan,
  exchange: Exchange,
): 'cookie' | 'other' | undefined {
  const { headers, request } = exchange;
  let found: 'cookie' | undefined;
  for (const name of plan.notInKey) {
    if (headers[name] === undefined) continue;
    if (name !== 'cookie') return 'other';
    found = 'cookie';
  }
  const known =
    isSomebody(request.user) ||
    isSomebody(request.raw?.user) ||
    request.socket?.authorized === true;
  return known && !isNamedInKey(plan, exchange) ? 'other' : found;
}

/** Strategies that let everybody in say null or false for nobody. */
function isSomebody(user: unknown): boolean {
  return user !== undefined && user !== null && user !== false;
}
