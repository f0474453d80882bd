import { LedgerClient } from './ledger-client.js';
import { startLedger } from './ledger-process.js';
import type { Database } from '../database/database.js';
import type { Row } from './table.js';

/** The results of a tour so far, and what it has started and must stop. */
export class Stage {
  readonly rows: Row[] = [];
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #begin = performance.now();

  readonly log = (line: string): void => {
    console.log(
      `${`${((performance.now() - this.#begin) / 1000).toFixed(1)} s`.padStart(7)}  ${line}`,
    );
  };

  async step(title: string, run: () => Promise<readonly Row[]>): Promise<void> {
    this.log(title);
    this.rows.push(...(await run()));
  }

  /** What to stop at the end, or when something goes wrong; the last one first. */
  ends(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async endAll(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }

  /** Visits this many ledgers and stops them afterwards. */
  async visit(
    env: readonly Record<string, string>[],
    visit: (clients: readonly LedgerClient[]) => Promise<void>,
    database?: Database,
  ) {
    // If one does not start, the others must be stopped too.
    const started = await Promise.allSettled(
      env.map(async (variables) => {
        const ledger = await startLedger(
          { CACHE_NAMESPACE: `tour-${process.pid}`, ...variables },
          database,
        );
        this.ends(() => ledger.stop());
        return ledger;
      }),
    );
    const ledgers = started.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    const clients = ledgers.map((ledger) => new LedgerClient(ledger.origin));
    await visit(clients);
    for (const client of clients) client.close();
    await Promise.all(ledgers.map((ledger) => ledger.stop()));
  }
}
