import { Module } from '@nestjs/common';
import { CacheModule, MemoryBackend } from 'nest-query-cache';
import { SlowDatabaseModule } from '../../shared/slow-database.js';
import { BOOKS, BooksController } from '../library/books.controller.js';
import { LibraryModule } from '../library/library.js';
import { CachedBooks } from './books.service.js';

@Module({
  imports: [
    CacheModule.forRoot({ ttl: '10m', backend: new MemoryBackend({ maxBytes: '10mb' }) }),
    CacheModule.forRoot({
      name: 'shelves',
      ttl: '30s',
      backend: new MemoryBackend({ maxEntries: 100 }),
    }),
    SlowDatabaseModule,
    LibraryModule,
  ],
  controllers: [BooksController],
  providers: [{ provide: BOOKS, useClass: CachedBooks }],
})
export class AfterModule {}
