import { Global, Module, type NestModule } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { SegmentChecks } from '../checks/segment-checks.js';
import { CacheCommandInterceptor } from '../events/command-interceptor.js';
import { InvalidationListener } from '../events/listener.js';
import { CacheHintInterceptor, CacheHints } from '../graphql/cache-control.js';
import { RouteOptionsReader } from '../http/route-options-reader.js';
import { CacheInterceptor } from '../http/interceptor.js';
import { HTTP_CACHE_SOURCE } from '../http/response-cache.js';
import { RouteContextInterceptor } from '../http/route-context-interceptor.js';
import { BackgroundInstances } from '../method/background.js';
import { CacheLifecycle, InterceptorOrder } from './bootstrap.js';
import { CacheLog } from './log.js';
import { CacheRegistry } from './registry.js';

/**
 * What an application has once, however many caches: a static module, of which Nest makes one
 * instance. Global, so that decorated providers of every module get the registry.
 */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    CacheRegistry,
    CacheLog,
    CacheLifecycle,
    SegmentChecks,
    BackgroundInstances,
    InterceptorOrder,
    InvalidationListener,
    CacheCommandInterceptor,
    CacheInterceptor,
    RouteOptionsReader,
    { provide: HTTP_CACHE_SOURCE, useExisting: RouteOptionsReader },
    RouteContextInterceptor,
    // InterceptorOrder puts the first one before all others, and the second one after them.
    { provide: APP_INTERCEPTOR, useExisting: CacheInterceptor },
    { provide: APP_INTERCEPTOR, useExisting: RouteContextInterceptor },
    {
      provide: CacheHints,
      inject: [CacheRegistry],
      useFactory: ({ hints }: CacheRegistry) => hints,
    },
    CacheHintInterceptor,
    { provide: APP_INTERCEPTOR, useExisting: CacheHintInterceptor },
  ],
  // HTTP_CACHE_SOURCE so that a controller with @UseInterceptors(CacheInterceptor) gets as far as
  // the message that says what to do instead.
  exports: [CacheRegistry, CacheLog, CacheInterceptor, CacheCommandInterceptor, HTTP_CACHE_SOURCE],
})
export class CacheCoreModule implements NestModule {
  constructor(private readonly order: InterceptorOrder) {}

  /** Called by Nest for applications that serve HTTP, before their routes are registered. */
  configure(): void {
    this.order.arrange();
  }
}
