/**
 * One SQL statement. Its name is that of the prepared statement, and the one under which it is
 * counted.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * What the ledger needs of a PostgreSQL, embedded or real; also the token by which it is injected.
 */
export abstract class Database {
  readonly #executed = new Map<string, number>();

  /** Which database this is, for the console. */
  abstract readonly label: string;

  /** Reads `bigint` columns as bigint and `timestamptz` columns as Date. */
  query<Row>(statement: Statement): Promise<Row[]> {
    this.#executed.set(statement.name, (this.#executed.get(statement.name) ?? 0) + 1);
    return this.run<Row>(statement);
  }

  /** How often each statement ran: the number that a cache keeps low. */
  executed(): Record<string, number> {
    return Object.fromEntries(this.#executed);
  }

  /** Runs several statements without values, one after another. */
  abstract script(text: string): Promise<void>;

  abstract close(): Promise<void>;

  protected abstract run<Row>(statement: Statement): Promise<Row[]>;
}

/** The SQLSTATE of a failed statement: both drivers put it into `code`. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
