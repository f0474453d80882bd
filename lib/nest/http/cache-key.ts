import { createHash } from 'node:crypto';
import { MAX_TAG_LENGTH } from '../../core/groups/groups.js';
import { CacheKey } from '../../core/key/key.js';
import { canonicalQuery, pathOf } from '../../http/query.js';
import type { VaryRecord } from '../../http/stored-response.js';
import { secondaryKey } from '../../http/vary.js';
import type { Exchange } from './request.js';
import type { RouteConfig } from './route.js';

/**
 * The key of a response: the route, the target URI as the client sent it, and what the route
 * declares. Parameters of path and query are part of it (unless `query` narrows it), so a request
 * whose pipes would reject one of them never finds a response. Headers, the session and whatever
 * custom decorators read from the request are part of it only where the route declares them.
 */
export function routeKey(
  route: RouteConfig,
  exchange: Exchange,
  principal: string | undefined,
  variant?: VaryRecord,
): CacheKey {
  const recent =
    principal === undefined && variant === undefined && exchange.rewritten === undefined
      ? route.recentKeys
      : undefined;
  if (recent === undefined) return buildKey(route, exchange, principal, variant);
  const url = route.hostInKey ? `${exchange.origin} ${exchange.url}` : exchange.url;
  const known = recent.get(url);
  if (known !== undefined) return known;
  const key = buildKey(route, exchange, principal, variant);
  if (url.length <= MAX_RECENT_URL_LENGTH) {
    if (recent.size >= MAX_RECENT_KEYS) recent.clear();
    recent.set(url, key);
  }
  return key;
}

/** About 100 KB per route at most. */
const MAX_RECENT_KEYS = 256;
const MAX_RECENT_URL_LENGTH = 200;

function buildKey(
  route: RouteConfig,
  exchange: Exchange,
  principal: string | undefined,
  variant?: VaryRecord,
): CacheKey {
  const { key, segment } = route.options;
  const query = canonicalQuery(exchange.search, route.http.query);
  const builder = CacheKey.builder().segment(key ?? segment);
  if (key === undefined || query !== '' || route.multiPath)
    builder.param('path', exchange.path).param('query', query === '' ? undefined : query);
  if (route.version !== undefined) builder.param('version', route.version);
  if (route.requestedVersion !== undefined)
    builder.param('requested', route.requestedVersion(exchange.request));
  if (exchange.rewritten !== undefined)
    builder.param('rewritten', canonicalUrl(exchange.rewritten, route));
  if (route.hostInKey) builder.param('origin', exchange.origin);
  if (route.keyHeaders.length > 0)
    builder.param('headers', secondaryKey(route.keyHeaders, exchange.headers));
  if (principal !== undefined) builder.param('principal', principal);
  if (variant !== undefined) {
    builder
      .param('vary', secondaryKey(variant.names, exchange.headers))
      .param('generation', variant.generation);
  }
  return builder.build();
}

function canonicalUrl(url: string, { http }: RouteConfig): string {
  const path = pathOf(url);
  const query = canonicalQuery(url.slice(path.length), http.query);
  return url.includes('?') || query !== '' ? `${path}?${query}` : path;
}

/**
 * The tag of all entries of a URI, for routes where the URI alone does not determine the keys. The
 * length of a tag is limited, that of a URI is not: of a long one the tag has a digest.
 */
export function uriTag(route: RouteConfig, exchange: Exchange): string {
  const tag = `uri:${exchange.path}?${canonicalQuery(exchange.search, route.http.query)}`;
  if (tag.length <= MAX_TAG_LENGTH) return tag;
  // No URI begins with `#`.
  return `uri:#${createHash('sha256').update(tag).digest('base64url')}`;
}
