import { Pool, types, type CustomTypesConfig, type QueryResultRow } from 'pg';
import { Database, type Statement } from './database.js';

/** As the driver does, but with `bigint` columns as bigint instead of strings. */
const TYPES: CustomTypesConfig = {
  getTypeParser: (type, format): unknown =>
    type === types.builtins.INT8 && format !== 'binary'
      ? BigInt
      : types.getTypeParser(type, format),
};

/** A PostgreSQL server, given by `DATABASE_URL`. */
export class PostgresDatabase extends Database {
  readonly label: string;
  private readonly pool: Pool;

  constructor(url: string) {
    super();
    const { host, pathname } = new URL(url);
    this.label = `PostgreSQL at ${host}${pathname}`;
    this.pool = new Pool({ connectionString: url, max: 10, types: TYPES });
    // The pool replaces an idle connection that breaks; without a listener the event would end the
    // process.
    this.pool.on('error', () => undefined);
  }

  async script(text: string): Promise<void> {
    await this.pool.query(text);
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  protected async run<Row>(statement: Statement): Promise<Row[]> {
    const { rows } = await this.pool.query<Row & QueryResultRow>({
      ...statement,
      values: [...statement.values],
    });
    return rows;
  }
}
