import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import { ACCOUNTS } from '../domain/tags.js';
import type { Account } from '../domain/types.js';

export class FindAccount extends Query<Account | null> {
  constructor(
    readonly tenant: string,
    readonly number: string,
  ) {
    super();
  }
}

/**
 * An unknown account is null. Null is stored like any other value, for a shorter time: repeated
 * requests for an account that does not exist do not reach the database. Opening the account
 * invalidates the tag, so no caller has to wait for that time.
 */
@QueryHandler(FindAccount)
export class FindAccountHandler implements IQueryHandler<FindAccount> {
  constructor(private readonly database: Database) {}

  @Cacheable({ ttl: '5m', nullTtl: '10s', tags: [ACCOUNTS] })
  @CacheKey((key, query: FindAccount) =>
    key.tenant(query.tenant).segment('account').param('number', query.number),
  )
  async execute(query: FindAccount): Promise<Account | null> {
    const [account] = await this.database.query<Account>({
      name: 'find-account',
      text: 'select number, name from sample_ledger.accounts where tenant = $1 and number = $2',
      values: [query.tenant, query.number],
    });
    return account ?? null;
  }
}
