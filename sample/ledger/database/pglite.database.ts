import { PGlite, types } from '@electric-sql/pglite';
import { Database, type Statement } from './database.js';

/**
 * PostgreSQL compiled to WebAssembly, in the memory of this process: nothing to install, and gone
 * at the end.
 */
export class PGliteDatabase extends Database {
  readonly label = 'embedded PostgreSQL (PGlite)';

  private constructor(private readonly db: PGlite) {
    super();
  }

  /** With a snapshot it starts in a fraction of the time, and with its data. */
  static async open(snapshot?: Blob): Promise<PGliteDatabase> {
    const parsers = { [types.INT8]: (text: string) => BigInt(text) };
    return new PGliteDatabase(
      await PGlite.create({ parsers, ...(snapshot && { loadDataDir: snapshot }) }),
    );
  }

  snapshot(): Promise<Blob> {
    return this.db.dumpDataDir('none');
  }

  async script(text: string): Promise<void> {
    await this.db.exec(text);
  }

  close(): Promise<void> {
    return this.db.close();
  }

  protected async run<Row>(statement: Statement): Promise<Row[]> {
    const { rows } = await this.db.query<Row>(statement.text, [...statement.values]);
    return rows;
  }
}
