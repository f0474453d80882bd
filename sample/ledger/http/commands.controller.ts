import { Body, Controller, HttpCode, Param, Post, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ImportEntries } from '../commands/import-entries.js';
import { OpenAccount } from '../commands/open-account.js';
import { PostEntry } from '../commands/post-entry.js';
import type { Account, Entry } from '../domain/types.js';
import { readAccountName, readNewEntries, readNewEntry } from './bodies.js';
import { TenantPipe } from './pipes.js';

@Controller('tenants/:tenant')
export class CommandsController {
  constructor(private readonly commands: CommandBus) {}

  @Put('accounts/:account')
  @HttpCode(201)
  open(
    @Param('tenant', TenantPipe) tenant: string,
    @Param('account') number: string,
    @Body() body: unknown,
  ): Promise<Account> {
    return this.commands.execute(new OpenAccount(tenant, number, readAccountName(body)));
  }

  @Post('entries')
  post(@Param('tenant', TenantPipe) tenant: string, @Body() body: unknown): Promise<Entry> {
    return this.commands.execute(new PostEntry(tenant, readNewEntry(body)));
  }

  @Post('entries/import')
  @HttpCode(202)
  import(
    @Param('tenant', TenantPipe) tenant: string,
    @Body() body: unknown,
  ): Promise<{ imported: number }> {
    return this.commands.execute(new ImportEntries(tenant, readNewEntries(body)));
  }
}
