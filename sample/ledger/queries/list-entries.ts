import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import { account } from '../domain/tags.js';
import type { Entry, EntryPage } from '../domain/types.js';

export class ListEntries extends Query<EntryPage> {
  constructor(
    readonly tenant: string,
    readonly account: string,
    readonly page: number,
    readonly size: number,
  ) {
    super();
  }
}

/**
 * One page of an account, the latest entries first. Each page is an entry of the cache; one tag
 * invalidates them all.
 */
@QueryHandler(ListEntries)
export class ListEntriesHandler implements IQueryHandler<ListEntries> {
  constructor(private readonly database: Database) {}

  @Cacheable({ ttl: '1m', tags: (query: ListEntries) => [account(query.account)] })
  @CacheKey((key, query: ListEntries) =>
    key
      .tenant(query.tenant)
      .segment('entries')
      .param('account', query.account)
      .param('page', query.page)
      .param('size', query.size),
  )
  async execute({ tenant, account, page, size }: ListEntries): Promise<EntryPage> {
    const [entries, [count]] = await Promise.all([
      this.database.query<Entry>({
        name: 'list-entries',
        text: `
          select id, account, amount_cents as "amountCents", booked_at as "bookedAt", memo
          from sample_ledger.entries where tenant = $1 and account = $2
          order by booked_at desc, id desc limit $3 offset $4`,
        values: [tenant, account, size, (page - 1) * size],
      }),
      this.database.query<{ total: number }>({
        name: 'count-entries',
        text: 'select count(*)::int as total from sample_ledger.entries where tenant = $1 and account = $2',
        values: [tenant, account],
      }),
    ]);
    return { page, size, total: count?.total ?? 0, entries };
  }
}
