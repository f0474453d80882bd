import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, parseOptions } from '../../ports/validate.js';
import { credentialHeadersIn } from './identity.js';
import type { CdnOptions, HttpCacheOptions } from './options.js';

/** RFC 9110 section 5.1. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const headers = is.arrayOf<string>(
  'an array of names of request headers',
  (item) => is.isFilled(item) && item !== '*' && HEADER_NAME.test(item),
);

/** As the warning at start writes them. */
const KNOWN_INPUT = new RegExp(
  "^(?:@(?:Req|Headers|Query|Session|Ip|HostParam)\\(\\)|@(?:Headers|Query|HostParam)\\('.+'\\)|" +
    '@Inject\\(REQUEST\\)|parameter [1-9]\\d*)$',
);

const CHECKS = {
  query: is.arrayOf<string>('an array of strings that are not empty', is.isFilled),
  headers,
  host: is.flag,
  principal: is.callback('a function of the request'),
  credentialHeaders: headers,
  knownInputs: is.arrayOf<string>(
    "an array of inputs as the warning at start names them, such as '@Req()' or 'parameter 1'",
    (item) => is.isFilled(item) && KNOWN_INPUT.test(item),
  ),
  credentials: is.oneOf('bypass', 'standard', 'ignore', 'in-key'),
  statuses: is.arrayOf<number>(
    'an array of statuses from 200 to 599, without 206 and 304, which are never stored',
    (item) =>
      Number.isInteger(item) &&
      (item as number) >= 200 &&
      (item as number) <= 599 &&
      item !== 206 &&
      item !== 304,
  ),
  freshness: is.oneOf('route', 'response'),
  clientBypass: is.oneOf('never', 'conditional', 'always'),
  cacheControl: is.oneOf('public', 'private'),
  cdn: is.group(
    {
      // Leave `cdn` out for a CDN that caches nothing.
      maxAge: is.duration(1_000),
      tags: is.oneOf('surrogate-key', 'cache-tag'),
      tenants: is.oneOf('refuse', 'by-url'),
    } satisfies Checks<CdnOptions>,
    "{ maxAge: '1h' }",
  ),
  tags: is.callback('a function of the request'),
  etag: is.flag,
  invalidate: is.flag,
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
  const [credential] = credentialHeadersIn(headers, credentialHeaders);
  if (credential !== undefined) throw publicIdentity(`${prefix}http.headers`, ` by ${credential}`);
}

function publicIdentity(option: string, by = ''): CacheConfigError {
  return new CacheConfigError(
    `${option} makes a response for each principal${by}, and http.cacheControl: 'public' lets ` +
      "shared caches give it to others. Use cacheControl: 'private'.",
  );
}
