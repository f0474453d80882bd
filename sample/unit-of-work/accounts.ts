import { Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { Cacheable, CacheEvict, CacheKey } from 'nest-query-cache';
import { SlowDatabase } from '../shared/slow-database.js';
import { accounts, Bank, type Connection } from './database.js';

/**
 * Knows what its statements change, but nothing of transactions: it is given the connection to use.
 */
@Injectable()
export class Accounts {
  constructor(
    private readonly bank: Bank,
    private readonly statements: SlowDatabase,
  ) {}

  // The balance is the same over any connection.
  @Cacheable({ ttl: '10m', tags: (name) => [`account:${name}`], ignoreArguments: true })
  @CacheKey((key, name) => key.param('name', name))
  async balance(name: string, connection: Connection = this.bank.db): Promise<number | null> {
    const rows = await this.statements.read(() =>
      connection.select().from(accounts).where(eq(accounts.name, name)),
    );
    return rows[0]?.cents ?? null;
  }

  /**
   * Without a unit of work around it this invalidates at once; inside one, after the commit or
   * never.
   */
  @CacheEvict({ tags: (name) => [`account:${name}`] })
  async add(name: string, cents: number, connection: Connection): Promise<void> {
    await connection
      .update(accounts)
      .set({ cents: sql`${accounts.cents} + ${cents}` })
      .where(eq(accounts.name, name));
  }
}
