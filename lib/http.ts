// Sub-path entry `nest-query-cache/http`: options of cached responses, tags for a CDN, and the
// endpoint by which other processes invalidate.
export type { CacheableRequest, CdnOptions, HttpCacheOptions } from './nest/http/options.js';
export { surrogateKeys, type SurrogateHeader } from './http/surrogate-keys.js';
export {
  CacheInvalidationController,
  type InvalidationEndpointOptions,
} from './nest/events/invalidation-controller.js';
