import { Command, CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { Database } from '../database/database.js';
import { EntriesPosted } from '../domain/events.js';
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
 * Publishes the same event as a single posting, but does not wait for the invalidations. So the
 * answer is 202 Accepted: readers see the new entries a moment later.
 */
@CommandHandler(ImportEntries)
export class ImportEntriesHandler implements ICommandHandler<ImportEntries> {
  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  async execute({ tenant, entries }: ImportEntries): Promise<{ imported: number }> {
    const imported = await insertEntries(this.database, tenant, entries);
    this.events.publish(
      new EntriesPosted(tenant, [...new Set(imported.map((entry) => entry.account))]),
    );
    return { imported: imported.length };
  }
}
