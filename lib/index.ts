// The root entry: what most applications need. What only some need is in the sub-path entries http,
// cqrs, redis, backend, codec, diagnostics and testing; a name is exported by one entry only.
export { createCache } from './create-cache.js';
export { CacheService } from './core/cache.js';
export type { GetOrSetResult } from './core/read/get-or-set-result.js';
export { on } from './core/invalidate/rules.js';
export type { UnitOfWorkOptions } from './core/invalidate/unit-of-work.js';
export { CacheKeyBuilder } from './core/key/key.js';
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
  Producer,
  ProducerContext,
  SetOptions,
  WarmUpOptions,
  WarmUpResult,
} from './core/options/types.js';
export { MemoryBackend } from './backends/memory/memory-backend.js';
export type { MemoryBackendOptions } from './backends/memory/options.js';
export type { Duration } from './ports/duration.js';
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
export { CacheModule } from './nest/module/cache.module.js';
export type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './nest/module/options.js';
export { getCacheBackendToken, getCacheToken, InjectCache } from './nest/module/tokens.js';
export type {
  CacheableOptions,
  CacheEvictOptions,
  CachePutOptions,
  KeyMaker,
} from './nest/decorators/options.js';
export { Cacheable } from './nest/decorators/cacheable.js';
export { CacheEvict } from './nest/decorators/cache-evict.js';
export { CacheKey } from './nest/decorators/cache-key.js';
export { CachePut } from './nest/decorators/cache-put.js';
export { CacheTTL } from './nest/decorators/cache-ttl.js';
export { InvalidatesCache } from './nest/decorators/invalidates-cache.js';
export { NoCache } from './nest/decorators/no-cache.js';
export { CacheInterceptor } from './nest/http/interceptor.js';
