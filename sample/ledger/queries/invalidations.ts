import { on, type InvalidationRule } from 'nest-query-cache';
import { AccountOpened, EntriesPosted } from '../domain/events.js';
import { ACCOUNTS, changedByPosting } from '../domain/tags.js';

/** What each event makes out of date on the query side: the one place that knows both. */
export const INVALIDATIONS: readonly InvalidationRule[] = [
  on(AccountOpened, ({ tenant }) => ({ tenant, tags: [ACCOUNTS] })),
  on(EntriesPosted, ({ tenant, accounts }) => ({ tenant, tags: changedByPosting(...accounts) })),
];
