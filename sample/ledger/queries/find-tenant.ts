import { NotFoundException } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Cacheable, CacheKey } from 'nest-query-cache';
import { Database } from '../database/database.js';
import type { Tenant } from '../domain/types.js';

export class FindTenant extends Query<Tenant> {
  constructor(readonly tenant: string) {
    super();
  }
}

/**
 * An unknown tenant is an error. Errors reach the caller unchanged, here as a 404, and are never
 * stored.
 */
@QueryHandler(FindTenant)
export class FindTenantHandler implements IQueryHandler<FindTenant> {
  constructor(private readonly database: Database) {}

  @Cacheable({ ttl: '5m' })
  @CacheKey((key, query: FindTenant) => key.tenant(query.tenant).segment('tenant'))
  async execute(query: FindTenant): Promise<Tenant> {
    const [tenant] = await this.database.query<Tenant>({
      name: 'find-tenant',
      text: 'select id, name from sample_ledger.tenants where id = $1',
      values: [query.tenant],
    });
    if (tenant === undefined) throw new NotFoundException(`There is no tenant '${query.tenant}'.`);
    return tenant;
  }
}
