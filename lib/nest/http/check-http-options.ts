import { duration } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import {
  arrayOf,
  callback,
  type Checks,
  flag,
  group,
  isFilled,
  oneOf,
  parseOptions,
} from '../../ports/validate.js';
import { credentialsAmong } from './credentials.js';
import type { CdnOptions, HttpCacheOptions } from './options.js';

/** RFC 9110 section 5.1. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const headers = arrayOf<string>(
  'an array of names of request headers',
  (item) => isFilled(item) && item !== '*' && HEADER_NAME.test(item),
);

const CHECKS = {
  query: arrayOf<string>('an array of strings that are not empty', isFilled),
  headers,
  host: flag,
  principal: callback('a function of the request'),
  credentialHeaders: headers,
  credentials: oneOf('bypass', 'standard', 'ignore'),
  statuses: arrayOf<number>(
    'an array of statuses from 200 to 599, without 206 and 304, which are never stored',
    (item) =>
      Number.isInteger(item) &&
      (item as number) >= 200 &&
      (item as number) <= 599 &&
      item !== 206 &&
      item !== 304,
  ),
  freshness: oneOf('route', 'response'),
  requestDirectives: oneOf('respect', 'ignore'),
  cacheControl: oneOf('public', 'private'),
  cdn: group(
    {
      // Leave `cdn` out for a CDN that caches nothing.
      maxAge: duration(1_000),
      tags: oneOf('surrogate-key', 'cache-tag'),
      tenants: oneOf('refuse', 'by-url'),
    } satisfies Checks<CdnOptions>,
    "{ maxAge: '1h' }",
  ),
  tags: callback('a function of the request'),
  etag: flag,
  invalidate: flag,
} satisfies Checks<HttpCacheOptions>;

/**
 * A misspelt option must not be ignored: `principle` would leave the identity out of the key.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the option, what was expected and what was given
 */
export function assertHttpOptions(http: unknown): void {
  parseOptions(http, CHECKS, { what: 'http', example: "{ query: ['page'] }", prefix: 'http.' });
  assertNoPublicIdentity(http as HttpCacheOptions);
}

/**
 * A response for one principal must not be public. Also called with the options of a class and of
 * its method combined.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function assertNoPublicIdentity(http: HttpCacheOptions, prefix = ''): void {
  const { headers = [], credentialHeaders = [], principal, cacheControl } = http;
  if (cacheControl !== 'public') return;
  if (principal !== undefined) throw publicIdentity(`${prefix}http.principal`);
  const [credential] = credentialsAmong(headers, credentialHeaders);
  if (credential !== undefined) throw publicIdentity(`${prefix}http.headers`, ` by ${credential}`);
}

function publicIdentity(option: string, by = ''): CacheConfigError {
  return new CacheConfigError(
    `${option} makes a response for each principal${by}, and http.cacheControl: 'public' lets ` +
      "shared caches give it to others. Use cacheControl: 'private'.",
  );
}
