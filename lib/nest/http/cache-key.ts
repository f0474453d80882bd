import { CacheKey } from '../../core/key/key.js';
import { canonicalQuery } from '../../http/query.js';
import type { VaryRecord } from '../../http/stored-response.js';
import { secondaryKey } from '../../http/vary.js';
import type { Exchange } from './request.js';
import type { RoutePlan } from './route.js';

/**
 * The key of what a request asks a route for: the route, the path as it was sent, the query, and what the route declares. The parameters of path and
 * query are in it (unless `query` narrows it), so that a request whose pipes would refuse one of them never finds an answer. Of headers, the session
 * and what decorators of the application's own take from the request only what the route declares is.
 */
export function routeKey(
  plan: RoutePlan,
  exchange: Exchange,
  principal: string | undefined,
  variant?: VaryRecord,
): CacheKey {
  const plain =
    principal === undefined && variant === undefined && exchange.rewritten === undefined;
  const recent = plain ? plan.recentKeys : undefined;
  const known = recent?.get(exchange.url);
  if (known !== undefined) return known;
  const key = makeKey(plan, exchange, principal, variant);
  if (recent !== undefined && exchange.url.length <= MAX_RECENT_LENGTH) {
    if (recent.size >= MAX_RECENT) recent.clear();
    recent.set(exchange.url, key);
  }
  return key;
}

/** Some 100 KB for a route at most. */
const MAX_RECENT = 256;
const MAX_RECENT_LENGTH = 200;

function makeKey(
  plan: RoutePlan,
  exchange: Exchange,
  principal: string | undefined,
  variant?: VaryRecord,
): CacheKey {
  const { key, segment } = plan.options;
  const query = canonicalQuery(exchange.search, plan.http.query);
  const builder = CacheKey.builder().segment(key ?? segment);
  if (key === undefined || query !== '' || plan.severalPaths) {
    builder.param('path', exchange.path).param('query', query === '' ? undefined : query);
  }
  if (plan.version !== undefined) builder.param('version', plan.version);
  if (exchange.rewritten !== undefined)
    builder.param('rewritten', canonicalUrl(exchange.rewritten, plan));
  if (plan.hostInKey) builder.param('host', exchange.host);
  if (plan.keyHeaders.length > 0)
    builder.param('headers', secondaryKey(plan.keyHeaders, exchange.headers));
  if (principal !== undefined) builder.param('principal', principal);
  if (variant !== undefined) {
    builder
      .param('vary', secondaryKey(variant.names, exchange.headers))
      .param('generation', variant.generation);
  }
  return builder.build();
}

function canonicalUrl(url: string, { http }: RoutePlan): string {
  const at = url.indexOf('?');
  return at === -1 ? url : `${url.slice(0, at)}?${canonicalQuery(url.slice(at), http.query)}`;
}

/** The tag that all entries of a URI carry when the URI alone does not say their keys. */
export function uriTag(plan: RoutePlan, exchange: Exchange): string {
  return `uri:${exchange.path}?${canonicalQuery(exchange.search, plan.http.query)}`;
}
