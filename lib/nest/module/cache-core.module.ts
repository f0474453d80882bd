import { Global, Module, type NestModule } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { CacheBinder } from './bootstrap.js';
import { CacheCommandInterceptor } from '../events/command-interceptor.js';
import { CacheLog } from './log.js';
import { CacheRegistry } from './registry.js';
import { FreshInstances } from '../method/background.js';
import { HintInterceptor } from '../graphql/hint-interceptor.js';
import { RouteOptionsReader } from '../http/route-options-reader.js';
import { CacheInterceptor } from '../http/interceptor.js';
import { HTTP_CACHE_SOURCE } from '../http/response-cache.js';
import { InterceptorOrder } from './interceptor-order.js';
import { InvalidationListener } from '../events/listener.js';
import { RouteContextInterceptor } from '../http/route-context-interceptor.js';

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
    FreshInstances,
    InterceptorOrder,
    InvalidationListener,
    CacheCommandInterceptor,
    CacheInterceptor,
    RouteOptionsReader,
    { provide: HTTP_CACHE_SOURCE, useExisting: RouteOptionsReader },
    RouteContextInterceptor,
    // InterceptorOrder has the last word: the interceptor before all others, the marker after them.
    { provide: APP_INTERCEPTOR, useExisting: CacheInterceptor },
    { provide: APP_INTERCEPTOR, useExisting: RouteContextInterceptor },
    HintInterceptor,
    { provide: APP_INTERCEPTOR, useExisting: HintInterceptor },
  ],
  // HTTP_CACHE_SOURCE so that a controller with @UseInterceptors(CacheInterceptor) gets to the message that says what to do.
  exports: [CacheRegistry, CacheLog, CacheInterceptor, CacheCommandInterceptor, HTTP_CACHE_SOURCE],
})
export class CacheCoreModule implements NestModule {
  constructor(private readonly order: InterceptorOrder) {}

  /** Called by Nest for applications that serve HTTP, before their routes are registered. */
  configure(): void {
    this.order.arrange();
  }
}
