import { NotFoundException } from '@nestjs/common';
import { sqlState, type Database } from '../database/database.js';
import type { Entry } from '../domain/types.js';

const FOREIGN_KEY_VIOLATION = '23503';

export interface NewEntry extends Omit<Entry, 'id' | 'bookedAt'> {
  /** Default: now. */
  readonly bookedAt?: Date;
}

/** All or none, in one statement. */
export async function insertEntries(
  database: Database,
  tenant: string,
  entries: readonly NewEntry[],
): Promise<Entry[]> {
  try {
    return await database.query<Entry>({
      name: 'insert-entries',
      text: `
        insert into sample_ledger.entries (tenant, account, amount_cents, booked_at, memo)
        select $1, * from unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::text[])
        returning id, account, amount_cents as "amountCents", booked_at as "bookedAt", memo`,
      values: [
        tenant,
        entries.map((entry) => entry.account),
        entries.map((entry) => entry.amountCents),
        entries.map((entry) => entry.bookedAt ?? new Date()),
        entries.map((entry) => entry.memo),
      ],
    });
  } catch (error) {
    if (sqlState(error) === FOREIGN_KEY_VIOLATION)
      throw new NotFoundException(`Tenant '${tenant}' does not have all of these accounts.`);
    throw error;
  }
}
