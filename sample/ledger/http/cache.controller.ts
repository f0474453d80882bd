import { Controller, Get } from '@nestjs/common';
import { CacheService } from 'nest-query-cache';
import type { Counters } from 'nest-query-cache/diagnostics';
import { Database } from '../database/database.js';

/** What the cache has done, beside how often each SQL statement ran. */
@Controller('cache')
export class CacheController {
  constructor(
    private readonly cache: CacheService,
    private readonly database: Database,
  ) {}

  @Get()
  counters(): { cache: Counters; statements: Record<string, number> } {
    return { cache: this.cache.stats(), statements: this.database.executed() };
  }
}
