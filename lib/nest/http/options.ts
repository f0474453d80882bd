import type { EntryOptions } from '../../core/options/types.js';
import type { SurrogateHeader } from '../../http/surrogate-keys.js';
import type { Duration } from '../../ports/duration.js';

/** The part of an Express or Fastify request that options are given. */
export interface CacheableRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parameters of the path, as text: pipes have not run yet. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The query as the platform parses it. */
  readonly query: Readonly<Record<string, unknown>>;
  /** What guards put there. */
  readonly user?: unknown;
  /** The request of the platform, for what else guards and middleware put there. */
  readonly raw: object;
}

/** What a CDN in front of the application is told. */
export interface CdnOptions {
  /**
   * `CDN-Cache-Control: max-age` (RFC 9213), at least a second: how long the CDN may keep a response. It may be longer than the ttl when tags purge
   * the CDN. Default: the ttl.
   */
  readonly maxAge?: Duration;
  /** The header in which the tags of a response go out; `surrogateKeys(tags)` gives the same words for purging. Default: tags do not go out. */
  readonly tags?: SurrogateHeader;
  /**
   * Responses of a cache that resolved a tenant:
   * - `'refuse'` (default): the CDN is told not to keep them, since it may not see what makes the tenant;
   * - `'by-url'`: host and URL tell the tenants apart.
   */
  readonly tenants?: 'refuse' | 'by-url';
}

/** How the responses of a route are cached: `@Cacheable({ http: { ... } })` on a controller method or class. */
export interface HttpCacheOptions {
  /** The only query parameters that count; the others reach the handler but not the key. Default: all count. */
  readonly query?: readonly string[];
  /** Request headers that are part of the key, for instance `['accept-language']`; they are announced by `Vary`. Default: none. */
  readonly headers?: readonly string[];
  /** The host, as the platform sees it (`trust proxy`), is part of the key. Default: only for controllers bound to a host. */
  readonly host?: boolean;
  /** Who is asking, a text that is not empty; part of the key. With undefined for a request that carries credentials, the request goes past the cache. */
  readonly principal?: (request: CacheableRequest) => string | undefined;
  /**
   * Requests that say who asks, by what neither `principal` nor `headers` brings into the key: an `Authorization`, `Cookie`, `Proxy-Authorization` or
   * `X-Api-Key` header, one of `credentialHeaders`, a verified client certificate, or `request.user` that a guard has set:
   * - `'bypass'` (default): they are neither answered from the cache nor stored;
   * - `'standard'`: as RFC 9111 has it for shared caches: cookies do not count, and what answers other credentials is stored only when the
   *   response says `public`, `must-revalidate` or `s-maxage`;
   * - `'ignore'`: the answer is the same for everyone;
   * - `'in-key'`: for a key made from the arguments, which then holds who asks.
   */
  readonly credentials?: 'bypass' | 'standard' | 'ignore' | 'in-key';
  /** Further request headers that say who asks, for instance `['x-access-token']`. Default: none. */
  readonly credentialHeaders?: readonly string[];
  /** Statuses stored although the response does not say how long it is fresh. Default: 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501. */
  readonly statuses?: readonly number[];
  /** `'route'` (default): the ttl of the decorator holds where the response says nothing. `'response'`: only what the response says. */
  readonly freshness?: 'route' | 'response';
  /** Whether `Cache-Control: no-cache`, `max-age`, ... of a request count. Default 'respect'. */
  readonly requestDirectives?: 'respect' | 'ignore';
  /** Send a `Cache-Control` of this kind where the handler set none: `max-age` is the ttl, `Age` says how much of it is over. Default: none is sent. */
  readonly cacheControl?: 'public' | 'private';
  /**
   * For a CDN in front of the application. What the CDN must not keep (answers that are not stored, stale ones, those for a principal) goes out
   * with `CDN-Cache-Control: no-store`, unless the handler set that header. Default: nothing is said to CDNs.
   */
  readonly cdn?: CdnOptions;
  /**
   * Tags made from the request, known before the handler runs; beside those of the decorator. What they depend on must be part of the key. When it
   * throws, the request goes past the cache.
   */
  readonly tags?: (request: CacheableRequest) => readonly string[];
  /** A weak `ETag` for responses that have none. Default true. */
  readonly etag?: boolean;
  /** Methods that are not safe invalidate what is stored of the same URI (RFC 9111 section 4.4). Default true. */
  readonly invalidate?: boolean;
}

/** The options of an entry that mean the same for a response. */
type ResponseEntryOptions = Pick<
  EntryOptions,
  'nullTtl' | 'staleIfErrorWhen' | 'jitter' | 'refreshAhead' | 'producerTimeout' | 'codec'
>;

/** What the decorators of a route say, as the interceptor needs it. */
export interface RouteCacheOptions extends ResponseEntryOptions {
  /** The cache to use. */
  readonly cache: string;
  /** The segment of the route's keys: by default class and method. */
  readonly segment: string;
  /** The handler changes what is cached, which an answer from the cache would skip. */
  readonly changes?: boolean;
  /** A fixed key: used as it is for requests without query, of a route with one path. */
  readonly key?: string;
  readonly ttl?: Duration | ((value: never) => Duration);
  readonly staleWhileRevalidate?: Duration;
  readonly staleIfError?: Duration;
  readonly tags?: readonly string[] | ((value: never) => readonly string[]);
  readonly unless?: (value: never) => boolean;
  readonly http?: HttpCacheOptions;
  /** The tenant as it was known where the handler ran; undefined: none, or nobody knows. */
  readonly tenantOf?: (request: object) => string | undefined;
  /** What the handler's decorators said of the call that answered a request, from its arguments and result. */
  readonly saidOf?: (
    request: object,
  ) => { readonly tags: readonly string[]; readonly skip: boolean } | undefined;
}
