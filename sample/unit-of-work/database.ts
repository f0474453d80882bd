import { setFlagsFromString } from 'node:v8';
import { PGlite } from '@electric-sql/pglite';
import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle, type PgliteDatabase } from 'drizzle-orm/pglite';

export const accounts = pgTable('accounts', {
  name: text('name').primaryKey(),
  cents: integer('cents').notNull(),
});

/** The database, or a transaction of it. */
export type Connection = Pick<PgliteDatabase, 'select' | 'update'>;

const SCHEMA = `
  create table accounts (name text primary key, cents integer not null check (cents >= 0));
  insert into accounts values ('rent', 10000), ('food', 5000)`;

/** An embedded PostgreSQL, new for each start. */
@Injectable()
export class Bank implements OnApplicationShutdown {
  readonly db: PgliteDatabase;

  constructor(@Inject(PGlite) private readonly client: PGlite) {
    this.db = drizzle(client);
  }

  static async open(): Promise<PGlite> {
    // For a database that lives for a few statements, optimised compilation of WebAssembly takes
    // longer than it saves.
    setFlagsFromString('--liftoff-only');
    const client = await PGlite.create();
    await client.exec(SCHEMA);
    return client;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}

@Module({ providers: [{ provide: PGlite, useFactory: () => Bank.open() }, Bank], exports: [Bank] })
export class BankModule {}
