import { CacheConfigError } from '../../ports/errors.js';
import { assertKnownOptions } from '../../ports/validate.js';
import { credentialsAmong } from './credentials.js';
import type { CdnOptions, HttpCacheOptions } from './options.js';

type Kind = 'flag' | 'callback' | 'texts' | 'headers' | 'statuses' | 'object' | readonly string[];

const KINDS: Readonly<Record<keyof HttpCacheOptions, Kind>> = {
  query: 'texts',
  headers: 'headers',
  host: 'flag',
  principal: 'callback',
  credentialHeaders: 'headers',
  credentials: ['bypass', 'standard', 'ignore', 'in-key'],
  statuses: 'statuses',
  freshness: ['route', 'response'],
  requestDirectives: ['respect', 'ignore'],
  cacheControl: ['public', 'private'],
  cdn: 'object',
  tags: 'callback',
  etag: 'flag',
  invalidate: 'flag',
};

const CDN: ReadonlySet<string> = new Set([
  'maxAge',
  'tags',
  'tenants',
] satisfies (keyof CdnOptions)[]);

/** RFC 9110 section 5.1. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * A name that is not known must not be passed over: a `principal` with a slip in it would leave identity out of the key.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the option, what was expected and what was given
 */
export function checkHttpOptions(http: object): void {
  for (const [name, value] of Object.entries(http)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof HttpCacheOptions] : undefined;
    if (kind === undefined) {
      throw new CacheConfigError(
        `unknown option http.${name}. Options of http are: ${Object.keys(KINDS).sort().join(', ')}.`,
      );
    }
    if (value === undefined || fits(kind, value)) continue;
    throw new CacheConfigError(
      `http.${name} must be ${expected(kind)}; got ${typeof value === 'string' ? JSON.stringify(value) : typeof value}.`,
    );
  }
  const { cdn } = http as HttpCacheOptions;
  if (cdn !== undefined) assertKnownOptions(cdn, CDN, 'option of http.cdn');
  refusePublicIdentity(http);
}

/**
 * Also for what a class and its method say together.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function refusePublicIdentity(http: HttpCacheOptions, prefix = ''): void {
  const { headers = [], credentialHeaders = [], principal, cacheControl } = http;
  if (cacheControl !== 'public') return;
  if (principal !== undefined) {
    throw new CacheConfigError(
      `${prefix}http.principal makes an answer for each who asks, and http.cacheControl: 'public' lets caches on the way give it to others. Use cacheControl: 'private'.`,
    );
  }
  const [credential] = credentialsAmong(headers, credentialHeaders);
  if (credential !== undefined) {
    throw new CacheConfigError(
      `${prefix}http.headers makes an answer for each who asks by ${credential}, and http.cacheControl: 'public' lets caches on the way give it to others. Use cacheControl: 'private'.`,
    );
  }
}

function fits(kind: Kind, value: unknown): boolean {
  if (typeof kind === 'object') return kind.includes(value as string);
  switch (kind) {
    case 'flag':
      return typeof value === 'boolean';
    case 'callback':
      return typeof value === 'function';
    case 'texts':
      return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
    case 'headers':
      return (
        Array.isArray(value) &&
        value.every((one) => typeof one === 'string' && one !== '*' && HEADER_NAME.test(one))
      );
    case 'statuses':
      return (
        Array.isArray(value) &&
        value.every(
          (one) => Number.isInteger(one) && one >= 200 && one <= 599 && one !== 206 && one !== 304,
        )
      );
    case 'object':
      return typeof value === 'object' && value !== null;
  }
}

function expected(kind: Kind): string {
  if (typeof kind === 'object') return kind.map((one) => `'${one}'`).join(' or ');
  return {
    flag: 'true or false',
    callback: 'a function of the request',
    texts: 'a list of texts that are not empty',
    headers: 'a list of names of request headers',
    statuses: 'a list of statuses from 200 to 599, without 206 and 304, which are never stored',
    object: 'an object',
  }[kind];
}
