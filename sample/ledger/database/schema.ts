/**
 * Everything is in a schema of its own: with `DATABASE_URL` it does not touch what is there
 * already. What an interrupted start has left there is created anew.
 */
export const TABLES = `
  drop schema if exists sample_ledger cascade;
  create schema sample_ledger;

  create table sample_ledger.tenants (
    id text primary key,
    name text not null
  );

  create table sample_ledger.accounts (
    tenant text not null references sample_ledger.tenants,
    number text not null,
    name text not null,
    primary key (tenant, number)
  );

  create table sample_ledger.entries (
    id bigint generated always as identity,
    tenant text not null,
    account text not null,
    amount_cents bigint not null,
    booked_at timestamptz not null,
    memo text not null
  );
`;

/** Created after the entries: faster than checking and sorting them in one by one. */
export const INDEXES = `
  alter table sample_ledger.entries add primary key (id);
  alter table sample_ledger.entries add foreign key (tenant, account) references sample_ledger.accounts;
  create index on sample_ledger.entries (tenant, account, booked_at desc, id desc);
  analyze sample_ledger.entries;
`;

/** Created last: if it exists, the ledger is complete. */
export const GENERATED = `
  create table sample_ledger.generated as select $1::integer as entries, $2::integer as seed
`;
