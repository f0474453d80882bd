import { Controller, Get, Header, Param } from '@nestjs/common';
import { Cacheable } from 'nest-query-cache';
import { Database } from '../database/database.js';
import type { Month } from '../domain/month.js';
import { TOTALS } from '../domain/tags.js';
import type { Entry } from '../domain/types.js';
import { MonthPipe, TenantPipe } from './pipes.js';

/**
 * `@Cacheable` on a route stores the whole response, with its status, its headers and an ETag made
 * once; its key is the address, in the tenant of the request. A client that has the response
 * already (`If-None-Match`) gets a 304 without a body.
 */
@Controller('tenants/:tenant/accounts/:account/statements')
export class StatementsController {
  constructor(private readonly database: Database) {}

  @Get(':month')
  @Header('Content-Type', 'text/csv; charset=utf-8')
  @Cacheable({ ttl: '1m', tags: [TOTALS] })
  async statement(
    @Param('tenant', TenantPipe) tenant: string,
    @Param('account') number: string,
    @Param('month', MonthPipe) month: Month,
  ): Promise<string> {
    const entries = await this.database.query<Entry>({
      name: 'statement',
      text: `
        select id, account, amount_cents as "amountCents", booked_at as "bookedAt", memo
        from sample_ledger.entries where tenant = $1 and account = $2 and booked_at >= $3 and booked_at < $4
        order by booked_at, id`,
      values: [tenant, number, month.start, month.end],
    });
    const lines = entries.map(
      ({ id, bookedAt, amountCents, memo }) =>
        `${id},${bookedAt.toISOString()},${amountCents},${quoted(memo)}`,
    );
    return ['id,booked_at,amount_cents,memo', ...lines, ''].join('\r\n');
  }
}

/** RFC 4180. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
