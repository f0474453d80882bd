import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import { ACCOUNTS, TOTALS } from '../domain/tags.js';
import type { AccountBalance } from '../domain/types.js';

export class AccountBalances extends Query<readonly AccountBalance[]> {
  constructor(readonly tenant: string) {
    super();
  }
}

/** All accounts of a tenant with their balances. */
@QueryHandler(AccountBalances)
export class AccountBalancesHandler implements IQueryHandler<AccountBalances> {
  constructor(private readonly database: Database) {}

  @Cacheable({ ttl: '1m', tags: [ACCOUNTS, TOTALS] })
  @CacheKey((key, query: AccountBalances) => key.tenant(query.tenant).segment('balances'))
  async execute({ tenant }: AccountBalances): Promise<readonly AccountBalance[]> {
    return this.database.query<AccountBalance>({
      name: 'account-balances',
      text: `
        select a.number, a.name, coalesce(sum(e.amount_cents), 0)::bigint as "balanceCents", max(e.booked_at) as "lastBookedAt"
        from sample_ledger.accounts a left join sample_ledger.entries e on e.tenant = a.tenant and e.account = a.number
        where a.tenant = $1 group by a.number, a.name order by a.number`,
      values: [tenant],
    });
  }
}
