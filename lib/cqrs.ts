// Sub-path entry `nest-query-cache/cqrs`: for the command side of an application, which publishes
// events and waits for the invalidations that follow. Needs neither @nestjs/cqrs nor
// @nestjs/event-emitter.
export {
  applyInvalidation,
  CACHE_INVALIDATED,
  CacheInvalidated,
} from './nest/events/cache-invalidated.js';
export { CacheCommandInterceptor } from './nest/events/command-interceptor.js';
export { AwaitInvalidations } from './nest/decorators/await-invalidations.js';
