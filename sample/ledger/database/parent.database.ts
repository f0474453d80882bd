import { Database, type Statement } from './database.js';
import { isAnswer, type Question } from './parent-protocol.js';

interface Waiting {
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The embedded PostgreSQL of the process that started this one, so that several ledgers share one
 * database with nothing installed.
 */
export class ParentDatabase extends Database {
  readonly label = 'the PostgreSQL of the process that started this one';
  readonly #waiting = new Map<number, Waiting>();
  #questions = 0;

  constructor() {
    super();
    process.on('message', this.#hear);
    process.once('disconnect', () => this.#fail('The process that has the database is gone.'));
  }

  override script(): Promise<void> {
    return Promise.reject(new Error('The database is filled by the process that has it.'));
  }

  override async close(): Promise<void> {
    process.off('message', this.#hear);
    this.#fail('The database is closed.');
  }

  protected override async run<Row>(statement: Statement): Promise<Row[]> {
    const question = ++this.#questions;
    const rows = await new Promise<readonly unknown[]>((resolve, reject) => {
      this.#waiting.set(question, { resolve, reject });
      if (process.send === undefined || !process.connected)
        this.#fail('This process was not started by one that has a database.');
      else process.send({ question, statement } satisfies Question);
    });
    return [...rows] as Row[];
  }

  readonly #hear = (message: unknown): void => {
    if (!isAnswer(message)) return;
    const waiting = this.#waiting.get(message.answer);
    this.#waiting.delete(message.answer);
    if (message.error === undefined) waiting?.resolve(message.rows ?? []);
    else
      waiting?.reject(
        Object.assign(new Error(message.error.message), { code: message.error.code }),
      );
  };

  /** Pending queries get an error. */
  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }
}
