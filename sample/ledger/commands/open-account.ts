import { ConflictException } from '@nestjs/common';
import { Command, CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { AwaitInvalidations } from 'nest-query-cache/cqrs';
import { Database, sqlState } from '../database/database.js';
import { AccountOpened } from '../domain/events.js';
import type { Account } from '../domain/types.js';

const UNIQUE_VIOLATION = '23505';

export class OpenAccount extends Command<Account> {
  constructor(
    readonly tenant: string,
    readonly number: string,
    readonly name: string,
  ) {
    super();
  }
}

@CommandHandler(OpenAccount)
export class OpenAccountHandler implements ICommandHandler<OpenAccount> {
  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  @AwaitInvalidations()
  async execute({ tenant, number, name }: OpenAccount): Promise<Account> {
    try {
      await this.database.query({
        name: 'open-account',
        text: 'insert into sample_ledger.accounts (tenant, number, name) values ($1, $2, $3)',
        values: [tenant, number, name],
      });
    } catch (error) {
      if (sqlState(error) === UNIQUE_VIOLATION)
        throw new ConflictException(`Tenant '${tenant}' has an account '${number}' already.`);
      throw error;
    }
    this.events.publish(new AccountOpened(tenant, number));
    return { number, name };
  }
}
