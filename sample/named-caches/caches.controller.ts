import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheService, getCacheToken, InjectCache } from 'nest-query-cache';

interface HitsAndMisses {
  readonly hits: number;
  readonly misses: number;
}

@Controller('caches')
export class CachesController {
  constructor(
    private readonly standard: CacheService,
    @InjectCache('reports') private readonly reports: CacheService,
    private readonly modules: ModuleRef,
  ) {}

  /** Each cache has counters of its own. */
  @Get()
  counters(): Record<string, HitsAndMisses> {
    const caches = [this.standard, this.reports];
    return Object.fromEntries(
      caches.map((cache) => {
        const { cache_hits: hits, cache_misses: misses } = cache.stats();
        return [cache.name, { hits, misses }];
      }),
    );
  }

  /** A name that is known only at run time. */
  @Delete(':name')
  @HttpCode(204)
  async clear(@Param('name') name: 'default' | 'reports'): Promise<void> {
    await this.modules.get<CacheService>(getCacheToken(name), { strict: false }).clear();
  }
}
