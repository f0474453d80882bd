import { Controller, Get, Headers } from '@nestjs/common';
import { Cacheable } from 'nest-query-cache';
import { SlowDatabase } from '../shared/slow-database.js';

/**
 * Answers that are not for everyone: cached in the application for each reader or publisher, and
 * never at the CDN, which knows only the URL.
 */
@Controller()
export class ReadersController {
  constructor(private readonly database: SlowDatabase) {}

  @Get('me')
  @Cacheable({
    ttl: '1m',
    http: { cdn: { maxAge: '1d' }, principal: ({ headers }) => headers.authorization?.toString() },
  })
  async me(@Headers('authorization') reader: string): Promise<{ reader: string }> {
    return this.database.read(() => ({ reader }));
  }

  /** The cache `publishers` finds the tenant in a header. */
  @Get('subscribers')
  @Cacheable({ cache: 'publishers', ttl: '1m', http: { cdn: { maxAge: '1d' } } })
  async subscribers(@Headers('x-publisher') publisher: string): Promise<{ publisher: string }> {
    return this.database.read(() => ({ publisher }));
  }
}
