import type { ProducerContext } from '../../core/options/types.js';
import type { StoredResponse, VaryRecord } from '../../http/stored-response.js';
import { MAX_DURATION_MS } from '../../ports/duration.js';
import { routeKey } from './cache-key.js';
import type { RequestContext } from './request-context.js';
import { RequestOptions } from './request-options.js';

const NO_WINDOWS = Object.freeze({ staleWhileRevalidate: 0, staleIfError: 0 });

/**
 * A record of what a response varies by lives as long as the response can be used in any way, and
 * not longer: anybody can make up a URI.
 */
export function limitVaryRecord(
  producer: ProducerContext,
  { freshMs, staleMs, fallbackMs }: StoredResponse,
): void {
  producer.setTtl(Math.min(MAX_DURATION_MS, freshMs + Math.max(staleMs, fallbackMs)));
  producer.setWindows(NO_WINDOWS);
}

/**
 * Makes a record live as long as a further variant that it leads to, in the background. It is a
 * load of its own, so that an invalidation fences it: a record that is gone stays gone.
 */
export function keepVaryRecord(
  context: RequestContext,
  record: VaryRecord,
  response: StoredResponse,
  tags: readonly string[],
): void {
  const { route, cache, exchange, principal } = context;
  const key = routeKey(route, exchange, principal);
  const produce = async (producer: ProducerContext): Promise<VaryRecord> => {
    // Read after the lease was taken: a later invalidation makes the backend refuse the record.
    const found = await cache.get<StoredResponse | VaryRecord>(key, route.cacheOptions);
    if (found?.kind !== 'vary' || found.generation !== record.generation) producer.skip();
    producer.addTags(...tags);
    limitVaryRecord(producer, response);
    return record;
  };
  cache
    .getOrSetDetailed(key, produce, new RequestOptions(context, true))
    .catch((error: unknown) => {
      context.warn('vary', error);
    });
}
