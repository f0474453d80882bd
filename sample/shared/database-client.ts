import type { DatabaseState } from './slow-database.js';
import { until, visit } from './visit.js';

/** The database of a running sample, as seen by a client. */
export class DatabaseClient {
  constructor(private readonly origin: string) {}

  async state(): Promise<DatabaseState> {
    return (await visit(`${this.origin}/database`)).body as DatabaseState;
  }

  async set(mode: 'answer' | 'hold' | 'fail'): Promise<void> {
    await visit(`${this.origin}/database/${mode}`, { method: 'PUT' });
  }

  /** How many queries it gets while `work` runs, as a phrase. */
  async queriesOf(work: () => Promise<unknown>): Promise<string> {
    const before = await this.state();
    await work();
    const queries = (await this.state()).queries - before.queries;
    return queries === 1 ? '1 query' : `${queries} queries`;
  }

  /**
   * Sends a request several times at once. When all have arrived and the queries they need have
   * begun, runs an action, and then lets the queries end.
   */
  async during<T>(
    times: number,
    send: () => Promise<T>,
    work: () => Promise<unknown>,
  ): Promise<T[]> {
    const before = await this.state();
    await this.set('hold');
    const replies = Promise.all(Array.from({ length: times }, send));
    await until(async () => (await this.state()).requests === before.requests + times);
    await until(async () => (await this.state()).waiting > 0);
    await work();
    await this.set('answer');
    return replies;
  }

  atOnce<T>(times: number, send: () => Promise<T>): Promise<T[]> {
    return this.during(times, send, async () => undefined);
  }
}
