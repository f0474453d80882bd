import { Injectable } from '@nestjs/common';
import { Cacheable, CacheService, InjectCache } from 'nest-query-cache';
import { SlowDatabase } from '../shared/slow-database.js';

export interface Report {
  readonly month: string;
  readonly trades: number;
}

@Injectable()
export class Reports {
  constructor(
    private readonly database: SlowDatabase,
    @InjectCache('reports') private readonly cache: CacheService,
  ) {}

  /** The decorator finds the cache by its name. */
  @Cacheable({ cache: 'reports', tags: (month) => [`month:${month}`] })
  async monthly(month: string): Promise<Report> {
    return this.database.read(() => ({ month, trades: 42 }));
  }

  /** The same cache, injected. */
  async correct(month: string): Promise<void> {
    await this.cache.invalidate({ tags: [`month:${month}`] });
  }
}
