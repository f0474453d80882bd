import type { Connection } from '../connection/connection.js';
import { RENEW } from './scripts.js';
import type { Scripts } from './script-runner.js';

const MOST_IN_A_SCRIPT = 200;

interface Renewal {
  readonly name: string;
  readonly lease: string;
  readonly leaseMs: string;
  readonly resolve: (held: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Leases that are renewed in one turn of the event loop are renewed together: a bulk call holds thousands, which are due at about the same time.
 * In a cluster each lease has a slot of its own, and goes alone.
 */
export class Renewals {
  #due: Renewal[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly scripts: Scripts,
  ) {}

  renew(name: string, lease: string, leaseMs: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      // not in a microtask: those run between the timers that ask
      if (this.#due.length === 0) setImmediate(() => this.#sendAll());
      this.#due.push({ name, lease, leaseMs, resolve, reject });
    });
  }

  #sendAll(): void {
    const due = this.#due;
    this.#due = [];
    const most = this.connection.kind === 'cluster' ? 1 : MOST_IN_A_SCRIPT;
    for (let i = 0; i < due.length; i += most) void this.#send(due.slice(i, i + most));
  }

  async #send(renewals: readonly Renewal[]): Promise<void> {
    try {
      const names = renewals.map(({ name }) => name);
      const args = renewals.flatMap(({ lease, leaseMs }) => [lease, leaseMs]);
      const held = await this.scripts.run(RENEW, names, args);
      renewals.forEach(({ resolve }, i) => {
        resolve(Array.isArray(held) && held[i] === 1);
      });
    } catch (error) {
      for (const { reject } of renewals) reject(error);
    }
  }
}
