import { QueryBus } from '@nestjs/cqrs';
import { Args, Int, Query, Resolver } from '@nestjs/graphql';
import { Cacheable } from 'nest-query-cache';
import { Database } from '../database/database.js';
import type { Month } from '../domain/month.js';
import { TOTALS } from '../domain/tags.js';
import type { AccountBalance, Entry, MonthlyReport as Report } from '../domain/types.js';
import { IntegerPipe, MonthPipe, TenantPipe } from '../http/pipes.js';
import { AccountBalances } from '../queries/account-balances.js';
import { MonthlyReport } from '../queries/monthly-report.js';
import { CurrentTenant } from './current-tenant.js';
import { AccountType, EntryType, MonthlyReportType } from './types.js';

/**
 * Uses the same query handlers as the HTTP API: what one of the two has requested is a hit for the
 * other.
 */
@Resolver()
export class QueriesResolver {
  constructor(
    private readonly queries: QueryBus,
    private readonly database: Database,
  ) {}

  @Query(() => [AccountType])
  accounts(@CurrentTenant(TenantPipe) tenant: string): Promise<readonly AccountBalance[]> {
    return this.queries.execute(new AccountBalances(tenant));
  }

  @Query(() => AccountType, { nullable: true })
  async account(
    @CurrentTenant(TenantPipe) tenant: string,
    @Args('number', { type: () => String }) number: string,
  ): Promise<AccountBalance | null> {
    const accounts = await this.accounts(tenant);
    return accounts.find((account) => account.number === number) ?? null;
  }

  @Query(() => MonthlyReportType)
  report(
    @CurrentTenant(TenantPipe) tenant: string,
    @Args('month', { type: () => String }, MonthPipe) month: Month,
  ): Promise<Report> {
    return this.queries.execute(new MonthlyReport(tenant, month));
  }

  /**
   * Only GraphQL has this query, so it is cached here. The key is made from class, method and
   * arguments, in the tenant of the request.
   */
  @Query(() => [EntryType], { description: 'The latest entries whose memo contains a text.' })
  @Cacheable({ ttl: '1m', tags: [TOTALS] })
  async search(
    @CurrentTenant(TenantPipe) tenant: string,
    @Args('memo', { type: () => String }) memo: string,
    @Args('first', { type: () => Int, defaultValue: 20 }, new IntegerPipe('first', 20, 200))
    first: number,
  ): Promise<readonly Entry[]> {
    return this.database.query<Entry>({
      name: 'search-entries',
      text: `
        select id, account, amount_cents as "amountCents", booked_at as "bookedAt", memo
        from sample_ledger.entries where tenant = $1 and position(lower($2) in lower(memo)) > 0
        order by booked_at desc, id desc limit $3`,
      values: [tenant, memo, first],
    });
  }
}
