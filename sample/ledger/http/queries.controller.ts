import { Controller, Get, NotFoundException, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Month } from '../domain/month.js';
import type {
  Account,
  AccountBalance,
  EntryPage,
  MonthlyReport as Report,
} from '../domain/types.js';
import { AccountBalances } from '../queries/account-balances.js';
import { FindAccount } from '../queries/find-account.js';
import { ListEntries } from '../queries/list-entries.js';
import { MonthlyReport } from '../queries/monthly-report.js';
import { IntegerPipe, MonthPipe, TenantPipe } from './pipes.js';

/**
 * Does not know the cache: caching is decided where the answers are made, in the query handlers.
 */
@Controller('tenants/:tenant')
export class QueriesController {
  constructor(private readonly queries: QueryBus) {}

  @Get('accounts')
  balances(@Param('tenant', TenantPipe) tenant: string): Promise<readonly AccountBalance[]> {
    return this.queries.execute(new AccountBalances(tenant));
  }

  @Get('accounts/:account')
  async account(
    @Param('tenant', TenantPipe) tenant: string,
    @Param('account') number: string,
  ): Promise<Account> {
    const account = await this.queries.execute(new FindAccount(tenant, number));
    if (account === null)
      throw new NotFoundException(`Tenant '${tenant}' has no account '${number}'.`);
    return account;
  }

  @Get('accounts/:account/entries')
  async entries(
    @Param('tenant', TenantPipe) tenant: string,
    @Param('account') number: string,
    @Query('page', new IntegerPipe('page', 1, 100_000)) page: number,
    @Query('size', new IntegerPipe('size', 20, 200)) size: number,
  ): Promise<EntryPage> {
    const account = await this.account(tenant, number);
    return this.queries.execute(new ListEntries(tenant, account.number, page, size));
  }

  @Get('reports/:month')
  report(
    @Param('tenant', TenantPipe) tenant: string,
    @Param('month', MonthPipe) month: Month,
  ): Promise<Report> {
    return this.queries.execute(new MonthlyReport(tenant, month));
  }
}
