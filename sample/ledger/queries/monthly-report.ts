import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import type { Month } from '../domain/month.js';
import { ACCOUNTS, TOTALS } from '../domain/tags.js';
import type { AccountMonth, MonthlyReport as Report } from '../domain/types.js';

export class MonthlyReport extends Query<Report> {
  constructor(
    readonly tenant: string,
    readonly month: Month,
  ) {
    super();
  }
}

/**
 * The expensive query: it reads all entries of the tenant up to the end of the month. It is cached
 * for long, because a posting invalidates it; and when the database is down, the last report is
 * better than none (`staleIfError`).
 */
@QueryHandler(MonthlyReport)
export class MonthlyReportHandler implements IQueryHandler<MonthlyReport> {
  constructor(private readonly database: Database) {}

  @Cacheable({ ttl: '15m', staleIfError: '1h', tags: [ACCOUNTS, TOTALS] })
  @CacheKey((key, query: MonthlyReport) =>
    key.tenant(query.tenant).segment('report').param('month', query.month.text),
  )
  async execute({ tenant, month }: MonthlyReport): Promise<Report> {
    const accounts = await this.database.query<AccountMonth>({
      name: 'monthly-report',
      text: `
        select a.number, a.name,
          coalesce(sum(e.amount_cents) filter (where e.booked_at < $2), 0)::bigint as "openingCents",
          coalesce(sum(e.amount_cents) filter (where e.booked_at >= $2 and e.amount_cents > 0), 0)::bigint as "creditCents",
          coalesce(sum(e.amount_cents) filter (where e.booked_at >= $2 and e.amount_cents < 0), 0)::bigint as "debitCents",
          coalesce(sum(e.amount_cents), 0)::bigint as "closingCents",
          percentile_disc(0.5) within group (order by e.amount_cents) filter (where e.booked_at >= $2) as "medianCents",
          count(e.id) filter (where e.booked_at >= $2)::int as entries,
          max(e.booked_at) as "lastBookedAt"
        from sample_ledger.accounts a
          left join sample_ledger.entries e on e.tenant = a.tenant and e.account = a.number and e.booked_at < $3
        where a.tenant = $1 group by a.number, a.name order by a.number`,
      values: [tenant, month.start, month.end],
    });
    return {
      month: month.text,
      openingCents: accounts.reduce((sum, account) => sum + account.openingCents, 0n),
      closingCents: accounts.reduce((sum, account) => sum + account.closingCents, 0n),
      entries: accounts.reduce((sum, account) => sum + account.entries, 0),
      accounts,
      createdAt: new Date(),
    };
  }
}
