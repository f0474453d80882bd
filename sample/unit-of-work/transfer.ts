import { Injectable } from '@nestjs/common';
import { CacheService } from 'nest-query-cache';
import { Accounts } from './accounts.js';
import { Bank } from './database.js';

@Injectable()
export class Transfer {
  constructor(
    private readonly accounts: Accounts,
    private readonly bank: Bank,
    private readonly cache: CacheService,
  ) {}

  /**
   * The unit outside, the transaction inside: what the statements invalidate waits until the
   * transaction has committed.
   * @returns the balance that is left, as the transaction sees it
   * @throws the error of PostgreSQL, for instance that an account must not be overdrawn
   */
  execute(from: string, to: string, cents: number): Promise<number | null> {
    return this.cache.unitOfWork(() =>
      this.bank.db.transaction(async (tx) => {
        await this.accounts.add(to, cents, tx);
        await this.accounts.add(from, -cents, tx);
        return this.accounts.balance(from, tx);
      }),
    );
  }
}
