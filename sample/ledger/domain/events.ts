// What has happened, in the words of the ledger. Who writes publishes it, and need not know who reads.

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
