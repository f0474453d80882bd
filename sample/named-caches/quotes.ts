import { Injectable } from '@nestjs/common';
import { Cacheable } from 'nest-query-cache';
import { SlowDatabase } from '../shared/slow-database.js';

export interface Quote {
  readonly symbol: string;
  readonly cents: number;
}

@Injectable()
export class Quotes {
  #trades = 0;

  constructor(private readonly database: SlowDatabase) {}

  /**
   * In the default cache, for half a second. Every query returns another price, as on a busy day.
   */
  @Cacheable()
  async latest(symbol: string): Promise<Quote> {
    return this.database.read(() => ({ symbol, cents: 10_000 + ++this.#trades }));
  }
}
