// The tags of a query declare what its answer depends on; an event is mapped to the tags of what it
// has changed. Tags belong to one tenant, so no tenant appears in them.

/** Depends on which accounts exist. */
export const ACCOUNTS = 'accounts';
/** Depends on all entries of the tenant. */
export const TOTALS = 'totals';
/** Depends on the entries of one account. */
export const account = (number: string): string => `account:${number}`;

/** What a posting to these accounts changes. */
export const changedByPosting = (...accounts: readonly string[]): string[] => [
  TOTALS,
  ...accounts.map(account),
];
