// What has happened, in the terms of the ledger. The writer publishes it and need not know the
// readers.

export class AccountOpened {
  constructor(
    readonly tenant: string,
    readonly number: string,
  ) {}
}

export class EntriesPosted {
  constructor(
    readonly tenant: string,
    /** Each account that got entries. */
    readonly accounts: readonly string[],
  ) {}
}
