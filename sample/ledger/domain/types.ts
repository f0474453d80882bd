/**
 * Money is a whole number of cents in a bigint: exact in PostgreSQL, in the cache and in the
 * answer.
 */
export type Cents = bigint;

export interface Tenant {
  readonly id: string;
  readonly name: string;
}

export interface Account {
  readonly number: string;
  readonly name: string;
}

export interface Entry {
  readonly id: bigint;
  readonly account: string;
  readonly amountCents: Cents;
  readonly bookedAt: Date;
  readonly memo: string;
}

export interface EntryPage {
  readonly page: number;
  readonly size: number;
  readonly total: number;
  readonly entries: readonly Entry[];
}

export interface AccountBalance extends Account {
  readonly balanceCents: Cents;
  readonly lastBookedAt: Date | null;
}

export interface AccountMonth extends Account {
  readonly openingCents: Cents;
  readonly creditCents: Cents;
  readonly debitCents: Cents;
  readonly closingCents: Cents;
  readonly medianCents: Cents | null;
  readonly entries: number;
  readonly lastBookedAt: Date | null;
}

export interface MonthlyReport {
  readonly month: string;
  readonly openingCents: Cents;
  readonly closingCents: Cents;
  readonly entries: number;
  readonly accounts: readonly AccountMonth[];
  readonly createdAt: Date;
}
