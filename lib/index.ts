// The public surface: everything is exported by name, and only here and in the sub-path entries.
export { createCache } from './create-cache.js';
export { CacheService } from './core/cache.js';
export type { GetOrSetResult as DetailedAnswer } from './core/read/get-or-set-result.js';
export type { CacheEvents, CacheEvent, CacheListener, Outcome } from './core/observe/events.js';
export type { Inspection } from './core/read/inspect.js';
export { on } from './core/invalidate/rules.js';
export { CacheKeyBuilder, type KeyPart } from './core/key/key.js';
export type { Counters } from './core/observe/stats.js';
export type {
  BatchContext,
  BatchProducer,
  CacheOptions,
  CodecChoice,
  EntryOptions,
  EventClass,
  GetOrSetOptions,
  InvalidateRequest,
  Invalidates,
  InvalidationResult,
  InvalidationRule,
  KeyLike,
  MemoryOptions,
  Producer,
  ProducerContext,
  RefreshAhead,
  SetOptions,
  Tenancy,
  WarmUpOptions,
  WarmUpProgress,
  WarmUpResult,
} from './core/options/types.js';
export type { UnitOfWorkOptions } from './core/invalidate/unit-of-work.js';
export { MemoryBackend } from './backends/memory/memory-backend.js';
export type { MemoryBackendOptions } from './backends/memory/options.js';
export { cborCodec } from './codecs/cbor.js';
export { jsonCodec } from './codecs/json.js';
export type { BackendContext, BackendProblem, CacheBackend } from './ports/backend.js';
export type { Clock } from './ports/clock.js';
export type { Codec, Payload, TextCodec } from './ports/codec.js';
export type { Duration, DurationText } from './ports/duration.js';
export type { Entry } from './ports/entry.js';
export type { Tick } from './ports/time.js';
export {
  BackendError,
  CacheClosedError,
  CacheConfigError,
  CacheDecoratorError,
  CacheError,
  type CacheErrorCode,
  CacheKeyError,
  CodecError,
  NotDurableError,
  ProducerTimeoutError,
  ReentrantProducerError,
} from './ports/errors.js';
export type { GroupInvalidation } from './ports/groups.js';
export type { MemoryTier } from './ports/memory-tier.js';
export type { Notice, SharedBackend } from './ports/shared-backend.js';
export { CacheModule } from './nest/module/cache.module.js';
export {
  applyInvalidation,
  CACHE_INVALIDATED,
  CacheInvalidated,
} from './nest/events/cache-invalidated.js';
export type {
  CacheableOptions,
  CacheEvictOptions,
  CachePutOptions,
  KeyMaker,
} from './nest/decorators/options.js';
export { CacheCommandInterceptor } from './nest/events/command-interceptor.js';
export { AwaitInvalidations } from './nest/decorators/await-invalidations.js';
export { Cacheable } from './nest/decorators/cacheable.js';
export { CacheEvict } from './nest/decorators/cache-evict.js';
export { CacheKey, type CacheKeyDecorator } from './nest/decorators/cache-key.js';
export { CachePut } from './nest/decorators/cache-put.js';
export { CacheTTL } from './nest/decorators/cache-ttl.js';
export { InvalidatesCache } from './nest/decorators/invalidates-cache.js';
export { NoCache } from './nest/decorators/no-cache.js';
export {
  CacheInvalidationController,
  type InvalidationEndpointOptions,
} from './nest/events/invalidation-controller.js';
export { CacheInterceptor } from './nest/http/interceptor.js';
export type { CacheableRequest, CdnOptions, HttpCacheOptions } from './nest/http/options.js';
export { surrogateKeys, type SurrogateHeader } from './http/surrogate-keys.js';
export type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './nest/module/options.js';
export { getCacheBackendToken, getCacheToken, InjectCache } from './nest/module/tokens.js';
