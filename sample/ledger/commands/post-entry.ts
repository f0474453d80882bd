import { Command, CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { AwaitInvalidations } from 'nest-query-cache/cqrs';
import { Database } from '../database/database.js';
import { EntriesPosted } from '../domain/events.js';
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

/**
 * Nest's event bus does not wait for its listeners; `@AwaitInvalidations` does: the answer is sent
 * when the invalidations that followed from the event are acknowledged. Once a caller has it, the
 * caller reads its own posting.
 */
@CommandHandler(PostEntry)
export class PostEntryHandler implements ICommandHandler<PostEntry> {
  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  @AwaitInvalidations()
  async execute({ tenant, entry }: PostEntry): Promise<Entry> {
    const [posted] = await insertEntries(this.database, tenant, [entry]);
    if (posted === undefined) throw new Error('The database returned no row for the new entry.');
    this.events.publish(new EntriesPosted(tenant, [posted.account]));
    return posted;
  }
}
