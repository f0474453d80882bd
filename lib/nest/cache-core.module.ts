import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { CacheBinder } from './cache-binder.js';
import { CacheLog } from './cache-log.js';
import { CacheRegistry } from './cache-registry.js';
import { DecoratedRoutes } from './http-source.js';
import { CacheInterceptor } from './http/cache-interceptor.js';
import { HTTP_CACHE_SOURCE } from './http/response-cache.js';
import { InvalidationListener } from './invalidation-listener.js';

/**
 * What an application has once, however many caches: a static module, so Nest makes one of it. Global, so that decorated providers of every
 * module get the registry.
 */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    CacheRegistry,
    CacheLog,
    CacheBinder,
    InvalidationListener,
    CacheInterceptor,
    DecoratedRoutes,
    { provide: HTTP_CACHE_SOURCE, useExisting: DecoratedRoutes },
    { provide: APP_INTERCEPTOR, useExisting: CacheInterceptor },
  ],
  exports: [CacheRegistry, CacheLog, CacheInterceptor],
})
export class CacheCoreModule {}
