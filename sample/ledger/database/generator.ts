import type { Database } from './database.js';
import { GENERATED, INDEXES, TABLES } from './schema.js';

export interface GeneratorOptions {
  readonly entries: number;
  readonly seed: number;
  /** Called after each batch with the number of entries so far. */
  readonly progress?: (done: number) => void;
}

const BATCH = 50_000;

const MASTER_DATA = `
  insert into sample_ledger.tenants (id, name) values ('acme', 'Acme Corp.'), ('globex', 'Globex'), ('initech', 'Initech');
  insert into sample_ledger.accounts (tenant, number, name)
    select tenants.id, number::text, (array['Cash', 'Receivables', 'Payables', 'Revenue', 'Payroll'])[1 + number % 5] || ' ' || number
    from sample_ledger.tenants, generate_series(1000, 1039) as number;
`;

// A hash of the running number instead of random(): the same seed makes the same ledger everywhere.
// Times lie in the twelve months from July 2025 to June 2026.
const ENTRIES = `
  insert into sample_ledger.entries (tenant, account, amount_cents, booked_at, memo)
    select
      (array['acme', 'globex', 'initech'])[(1 + n % 3)::int],
      (1000 + (hashint8extended(n, 4 * $3::bigint) & 2147483647) % 40)::text,
      (hashint8extended(n, 4 * $3::bigint + 1) & 2147483647) % 200000 - 80000,
      timestamptz '2025-07-01 00:00:00Z' + (hashint8extended(n, 4 * $3::bigint + 2) & 2147483647) % 31536000 * interval '1 second',
      (array['Invoice', 'Card payment', 'Transfer', 'Refund'])[(1 + (hashint8extended(n, 4 * $3::bigint + 3) & 3))::int] || ' ' || n
    from generate_series($1::bigint, $2::bigint) as n
`;

/** A snapshot made by other statements is not used. */
export const GENERATOR_VERSION = [TABLES, MASTER_DATA, ENTRIES, INDEXES, GENERATED].join();

/**
 * Fills the database unless it has been filled before. Returns false when there was nothing to do.
 */
export async function generateLedger(
  database: Database,
  { entries, seed, progress }: GeneratorOptions,
): Promise<boolean> {
  const [found] = await database.query<{ complete: boolean }>({
    name: 'is-generated',
    text: `select to_regclass('sample_ledger.generated') is not null as complete`,
    values: [],
  });
  if (found?.complete === true) return false;

  await database.script(TABLES);
  await database.script(MASTER_DATA);
  for (let done = 0; done < entries; done += BATCH) {
    const last = Math.min(done + BATCH, entries);
    await database.query({
      name: 'generate-entries',
      text: ENTRIES,
      values: [done + 1, last, seed],
    });
    progress?.(last);
  }
  await database.script(INDEXES);
  await database.query({ name: 'mark-generated', text: GENERATED, values: [entries, seed] });
  return true;
}
