import { BadRequestException } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { PostEntry } from '../commands/post-entry.js';
import type { Entry } from '../domain/types.js';
import { TenantPipe } from '../http/pipes.js';
import { CurrentTenant } from './current-tenant.js';
import { EntryType, NewEntryInput } from './types.js';

/** Does not know the cache: the command waits for what it invalidates. */
@Resolver()
export class CommandsResolver {
  constructor(private readonly commands: CommandBus) {}

  @Mutation(() => EntryType)
  postEntry(
    @CurrentTenant(TenantPipe) tenant: string,
    @Args('entry', { type: () => NewEntryInput }) entry: NewEntryInput,
  ): Promise<Entry> {
    if (entry.amountCents === 0n)
      throw new BadRequestException('amountCents must be a whole number other than 0.');
    return this.commands.execute(new PostEntry(tenant, entry));
  }
}
