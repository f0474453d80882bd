import type { EntryOptions } from '../../core/options/types.js';
import type { SurrogateHeader } from '../../http/surrogate-keys.js';
import type { Duration } from '../../ports/duration.js';

/** The part of an Express or Fastify request that callbacks in options receive. */
export interface CacheableRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parameters of the path, as strings: pipes have not run yet. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The query as the platform parses it. */
  readonly query: Readonly<Record<string, unknown>>;
  /** The user that a guard has set. */
  readonly user?: unknown;
  /** The platform's request, for other properties that guards and middleware have set. */
  readonly raw: object;
}

/** Instructions for a CDN in front of the application. */
export interface CdnOptions {
  /**
   * `CDN-Cache-Control: max-age` (RFC 9213), at least a second: how long the CDN may store a
   * response. It may be longer than the ttl if the CDN is purged by tags. Default: the ttl.
   */
  readonly maxAge?: Duration;
  /**
   * The header that sends the tags of a response; `surrogateKeys(tags)` gives the same words for
   * purging. Default: tags are not sent.
   */
  readonly tags?: SurrogateHeader;
  /**
   * For responses of a cache with a tenant resolver:
   * - `'refuse'` (default): the CDN must not store them, since it may not see what the tenant is
   *   resolved from;
   * - `'by-url'`: host and URL differ from tenant to tenant.
   */
  readonly tenants?: 'refuse' | 'by-url';
}

/**
 * How the responses of a route are cached: `@Cacheable({ http: { ... } })` on a controller method
 * or class.
 */
export interface HttpCacheOptions {
  /**
   * The query parameters that are part of the key; the handler receives the others too. Default:
   * all of them.
   */
  readonly query?: readonly string[];
  /**
   * Request headers that are part of the key, for instance `['accept-language']`; `Vary` names
   * them. Default: none.
   */
  readonly headers?: readonly string[];
  /**
   * Whether scheme and host of the URI, as the platform reports them (`trust proxy`), are part of
   * the key (RFC 9111 section 2). With false all hosts share one response. Default true; with a
   * fixed key only for controllers bound to a host.
   */
  readonly host?: boolean;
  /**
   * Identifies the client by a non-empty string, which is part of the key. A request for which
   * this returns undefined bypasses the cache when it carries credentials or the route has a guard;
   * with `credentials: 'ignore'` it does not. Default: none.
   */
  readonly principal?: (request: CacheableRequest) => string | undefined;
  /**
   * For requests with credentials that neither `principal` nor `headers` makes part of the key: an
   * `Authorization`, `Cookie`, `Proxy-Authorization` or `X-Api-Key` header, one of
   * `credentialHeaders`, a verified client certificate, or `request.user` set by a guard.
   * - `'bypass'` (default): they are neither answered from the cache, nor are responses stored;
   * - `'standard'`: the rules of RFC 9111 for shared caches: cookies do not count, and a response
   * to other credentials is stored only with `public`, `must-revalidate` or `s-maxage`;
   * - `'ignore'`: the response is the same for everyone;
   * - `'in-key'`: for a key made from the arguments, which then identifies the client.
   */
  readonly credentials?: 'bypass' | 'standard' | 'ignore' | 'in-key';
  /**
   * Inputs of the handler of which the key leaves something out, and which are known to matter no
   * further; a warning at start names them as they are written here: `'@Req()'`,
   * `"@Headers('x-theme')"`, `'parameter 2'` for a decorator of the application's own,
   * `'@Inject(REQUEST)'` for a request-scoped controller. They are not warned of. Default: none.
   */
  readonly knownInputs?: readonly string[];
  /** More headers that identify the client, for instance `['x-access-token']`. Default: none. */
  readonly credentialHeaders?: readonly string[];
  /**
   * The statuses that are stored when the response does not declare its freshness. Default: 200,
   * 203, 204, 300, 301, 308, 404, 405, 410, 414, 501.
   */
  readonly statuses?: readonly number[];
  /**
   * `'route'` (default): the ttl of the decorator applies unless the response declares its own
   * freshness. `'response'`: only what the response declares.
   */
  readonly freshness?: 'route' | 'response';
  /**
   * Which requests reach the handler although a fresh response is stored:
   * - `'conditional'` (default): one that asks for a newer response (`no-cache`, `max-age`,
   * `min-fresh`), once for all who ask meanwhile, and its response is stored; and one with a body,
   * `Range`, `If-Match`, `If-Unmodified-Since`, `Upgrade`, a method override or HEAD where the
   * handler takes that as a parameter (`@Body()`, `@Headers('range')`, `@Req()`, a decorator of the
   * application). Elsewhere these change nothing;
   * - `'never'`: none;
   * - `'always'`: all of them, and with `no-store`; HEAD when nothing fresh is stored. A response
   * to a body, a range, a precondition or a method override is not stored.
   */
  readonly clientBypass?: 'never' | 'conditional' | 'always';
  /**
   * Sends a `Cache-Control` of this kind where the handler has set none; `max-age` is the ttl, and
   * `Age` says how much of it has passed. Default: none is sent.
   */
  readonly cacheControl?: 'public' | 'private';
  /**
   * For a CDN in front of the application. Responses that it must not store (those that this cache
   * did not store, stale ones, those for a principal) are sent with `CDN-Cache-Control: no-store`,
   * unless the handler has set that header. Default: no header for CDNs.
   */
  readonly cdn?: CdnOptions;
  /**
   * Tags made from the request before the handler runs, in addition to those of the decorator. They
   * may depend only on what is part of the key. If this throws, the request bypasses the cache.
   */
  readonly tags?: (request: CacheableRequest) => readonly string[];
  /** Adds a weak `ETag` to responses that have none. Default true. */
  readonly etag?: boolean;
  /** Unsafe methods invalidate what is stored of the URI (RFC 9111 section 4.4). Default true. */
  readonly invalidate?: boolean;
}

/** The options of an entry that have the same meaning for a response. */
type SharedEntryOptions = Pick<
  EntryOptions,
  'nullTtl' | 'staleIfErrorWhen' | 'jitter' | 'refreshAhead' | 'producerTimeout' | 'codec'
>;

/** The options that the decorators of a route declare, combined for the interceptor. */
export interface RouteCacheOptions extends SharedEntryOptions {
  /** The cache to use. */
  readonly cache: string;
  /** The segment of the route's keys. Default: class and method. */
  readonly segment: string;
  /** The handler evicts or puts, which a response from the cache would skip. */
  readonly changes?: boolean;
  /** A fixed key; path and query are added for a route with several paths and for a query. */
  readonly key?: string;
  readonly ttl?: Duration | ((value: never) => Duration);
  readonly staleWhileRevalidate?: Duration;
  readonly staleIfError?: Duration;
  readonly tags?: readonly string[] | ((value: never) => readonly string[]);
  readonly unless?: (value: never) => boolean;
  readonly http?: HttpCacheOptions;
  /** The tenant that was known where the handler ran; undefined when there was none. */
  readonly tenantOf?: (request: object) => string | undefined;
  /** What the decorators derived from arguments and result of the call that answered a request. */
  readonly directivesOf?: (
    request: object,
  ) => { readonly tags: readonly string[]; readonly skip: boolean } | undefined;
}
