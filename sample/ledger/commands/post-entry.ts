import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CacheEvict } from 'nest-query-cache';
import { Database } from '../database/database.js';
import { changedByPosting } from '../domain/tags.js';
import type { Entry } from '../domain/types.js';
import { insertEntries, type NewEntry } from './insert-entries.js';

export class PostEntry extends Command<Entry> {
  constructor(
    readonly tenant: string,
    readonly entry: NewEntry,
  ) {
    super();
  }
}

/** The answer waits for the invalidation: whoever has it reads his own posting, in every process. */
@CommandHandler(PostEntry)
export class PostEntryHandler implements ICommandHandler<PostEntry> {
  constructor(private readonly database: Database) {}

  @CacheEvict({
    tenant: (command: PostEntry) => command.tenant,
    tags: (command: PostEntry) => changedByPosting(command.entry.account),
    timing: 'after-success',
  })
  async execute({ tenant, entry }: PostEntry): Promise<Entry> {
    const [posted] = await insertEntries(this.database, tenant, [entry]);
    if (posted === undefined) throw new Error('The database returned no row for the new entry.');
    return posted;
  }
}
