import { Command, CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { CacheInvalidated } from 'nest-query-cache';
import { Database } from '../database/database.js';
import { changedByPosting } from '../domain/tags.js';
import { insertEntries, type NewEntry } from './insert-entries.js';

export class ImportEntries extends Command<{ imported: number }> {
  constructor(
    readonly tenant: string,
    readonly entries: readonly NewEntry[],
  ) {
    super();
  }
}

/**
 * The command side of a ledger need not know the cache: it publishes what has changed, and the cache listens. The event bus does not wait
 * for its listeners, so the answer is 202 Accepted: readers see the new entries a moment later.
 */
@CommandHandler(ImportEntries)
export class ImportEntriesHandler implements ICommandHandler<ImportEntries> {
  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  async execute({ tenant, entries }: ImportEntries): Promise<{ imported: number }> {
    const imported = await insertEntries(this.database, tenant, entries);
    this.events.publish(new CacheInvalidated({ tenant, tags: changedByPosting(...imported.map((entry) => entry.account)) }));
    return { imported: imported.length };
  }
}
