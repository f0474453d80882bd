import { QueryBus } from '@nestjs/cqrs';
import { Args, Int, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import type { Month } from '../domain/month.js';
import { account } from '../domain/tags.js';
import type { Account, EntryPage } from '../domain/types.js';
import { IntegerPipe, MonthPipe } from '../http/pipes.js';
import { ListEntries } from '../queries/list-entries.js';
import { CurrentTenant } from './current-tenant.js';
import { AccountType, EntryPageType, TurnoverType } from './types.js';

/** The fields of an account that cost a query of their own. */
@Resolver(() => AccountType)
export class AccountResolver {
  constructor(
    private readonly queries: QueryBus,
    private readonly database: Database,
  ) {}

  @ResolveField(() => EntryPageType)
  entries(
    @CurrentTenant() tenant: string,
    @Parent() parent: Account,
    @Args('page', { type: () => Int, defaultValue: 1 }, new IntegerPipe('page', 1, 100_000))
    page: number,
    @Args('size', { type: () => Int, defaultValue: 20 }, new IntegerPipe('size', 20, 200))
    size: number,
  ): Promise<EntryPage> {
    return this.queries.execute(new ListEntries(tenant, parent.number, page, size));
  }

  /**
   * The answer depends on the account that has the field, so the key names the account. Its balance
   * is not part of the key: it does not identify the account.
   */
  @ResolveField(() => TurnoverType)
  @Cacheable({ ttl: '5m', tags: (_tenant: string, parent: Account) => [account(parent.number)] })
  @CacheKey((key, tenant: string, parent: Account, month: Month) =>
    key
      .tenant(tenant)
      .segment('turnover')
      .param('account', parent.number)
      .param('month', month.text),
  )
  async turnover(
    @CurrentTenant() tenant: string,
    @Parent() parent: Account,
    @Args('month', { type: () => String }, MonthPipe) month: Month,
  ): Promise<TurnoverType> {
    const [turnover] = await this.database.query<TurnoverType>({
      name: 'turnover',
      text: `
        select
          coalesce(sum(amount_cents) filter (where amount_cents > 0), 0)::bigint as "creditCents",
          coalesce(sum(amount_cents) filter (where amount_cents < 0), 0)::bigint as "debitCents",
          count(*)::int as entries
        from sample_ledger.entries where tenant = $1 and account = $2 and booked_at >= $3 and booked_at < $4`,
      values: [tenant, parent.number, month.start, month.end],
    });
    if (turnover === undefined) throw new Error('The database returned no row for a sum.');
    return turnover;
  }
}
