import { Module } from '@nestjs/common';
import { CacheModule, MemoryBackend } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';
import { SlowDatabaseModule } from '../shared/slow-database.js';
import { CachesController } from './caches.controller.js';
import { ExchangeController } from './exchange.controller.js';
import { Quotes } from './quotes.js';
import { Reports } from './reports.js';

/**
 * Reports are few, large and valid for hours, and worth sharing among processes when there is a
 * Redis.
 */
function reportsBackend(): MemoryBackend | RedisBackend {
  const url = process.env.REDIS_URL;
  return url === undefined || url === ''
    ? new MemoryBackend({ maxEntries: 100, isolation: 'freeze' })
    : new RedisBackend({ url });
}

@Module({
  imports: [
    // The default cache: quotes are many, small and soon out of date, so they stay in the memory of
    // this process.
    CacheModule.forRoot({
      ttl: '500ms',
      jitter: 0,
      backend: new MemoryBackend({ maxBytes: '8mb' }),
    }),
    // The name is given beside the factory, because injection tokens are made from it.
    CacheModule.forRootAsync({
      name: 'reports',
      useFactory: () => ({
        ttl: '6h',
        staleIfError: '1d',
        namespace: 'exchange-reports',
        backend: reportsBackend(),
      }),
    }),
    SlowDatabaseModule,
  ],
  controllers: [ExchangeController, CachesController],
  providers: [Quotes, Reports],
})
export class ExchangeModule {}
