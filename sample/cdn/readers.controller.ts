import { Controller, Get, Headers } from '@nestjs/common';
import { Cacheable } from 'nest-query-cache';
import { SlowDatabase } from '../shared/slow-database.js';

/** What is not for everybody: cached in the application, for each reader or publisher, and never at the CDN, which knows the URL only. */
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

  /** The cache `publishers` finds the tenant by a header. */
  @Get('subscribers')
  @Cacheable({ cache: 'publishers', ttl: '1m', http: { cdn: { maxAge: '1d' } } })
  async subscribers(@Headers('x-publisher') publisher: string): Promise<{ publisher: string }> {
    return this.database.read(() => ({ publisher }));
  }
}
