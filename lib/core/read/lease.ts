import type { Clock } from '../../ports/clock.js';
import type { Entry } from '../../ports/entry.js';
import { BackendError } from '../../ports/errors.js';
import type { Acquired, SharedBackend } from '../../ports/shared-backend.js';
import type { Background } from '../observe/background.js';
import type { Call } from '../options/call.js';
import { validityOf } from '../groups/groups.js';
import type { Look } from './tiers.js';

const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 80;
const OF_PUT = ':put';

/** Who holds a lease, or wants to. */
export interface Holder {
  readonly storageKey: string;
  lease: string | undefined;
  /** The lease is lost. */
  close(): void;
}

/**
 * Leases of this process: their names, renewal, and the waiting for those of others.
 *
 * A lease names its holder's start ticks, so that whoever finds it taken can tell from the markers that the holder's load was overtaken by an
 * invalidation and takes the lease over instead of waiting for a result that nobody may use.
 */
export class LeaseDesk {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(
    readonly store: SharedBackend<Entry>,
    readonly clock: Clock,
    readonly leaseMs: number,
    readonly background: Background,
    /** Unique among all processes. */
    readonly holder: string,
  ) {}

  name(startTicks: readonly number[]): string {
    return `${this.holder}.${(++this.#count).toString(36)}:${startTicks.join(',')}`;
  }

  /** Of a method whose result is to be stored: nobody waits for it, whoever has to load takes it over. */
  nameOfPut(): string {
    return `${this.holder}.${(++this.#count).toString(36)}${OF_PUT}`;
  }

  isOfPut(lease: string): boolean {
    return lease.endsWith(OF_PUT);
  }

  async acquire(
    call: Call,
    lease: string,
    seen: Entry | undefined,
    dead: string | undefined,
    replaces = false,
  ): Promise<Acquired<Entry>> {
    const left = Math.max(1, call.backendBy - this.clock.now());
    const text = call.policy.codec.text !== undefined;
    try {
      return await this.store.acquire(
        { key: call.storageKey, lease, leaseMs: this.leaseMs, seen, dead, replaces, text },
        left,
      );
    } catch (error) {
      // It may have been taken all the same: then everybody would wait for nobody until it ends.
      if (error instanceof BackendError && error.unknownOutcome)
        this.#giveUp(call.storageKey, lease);
      throw error;
    }
  }

  /** Was the load of this lease overtaken by an invalidation that `look` knows of? */
  isDead(lease: string, look: Look): boolean {
    const ticks = lease
      .slice(lease.lastIndexOf(':') + 1)
      .split(',')
      .map(Number);
    return (
      look.scopes !== undefined &&
      ticks.length === look.groups.length &&
      validityOf(ticks, look.groups, look.scopes) === 'dead'
    );
  }

  /** Keeps the lease of a running production alive, every third of its ttl; a lost one ends the right to store. */
  keepAlive(holder: Holder): () => void {
    let cancel = (): void => undefined;
    const again = (): void => {
      cancel = this.clock.after(Math.max(1, Math.floor(this.leaseMs / 3)), () => {
        const { lease } = holder;
        if (lease === undefined) return;
        again();
        this.background.run(async () => {
          // Not `detach`: callers already in are fine, the store refuses the fill by itself. New callers must not wait for a lost cause.
          if (!(await this.store.renew(holder.storageKey, lease, this.leaseMs))) holder.close();
        });
      });
    };
    again();
    return () => {
      cancel();
    };
  }

  release(holder: Holder): void {
    const { lease } = holder;
    if (lease === undefined) return;
    holder.lease = undefined;
    this.#giveUp(holder.storageKey, lease);
  }

  #giveUp(storageKey: string, lease: string): void {
    this.background.run(() => this.store.release(storageKey, lease));
  }

  /** Somebody gave the lease of this key up. */
  released(storageKey: string): void {
    const waiting = this.#waiting.get(storageKey);
    if (waiting === undefined) return;
    this.#waiting.delete(storageKey);
    for (const wake of waiting) wake();
  }

  /** Settles when the lease is given up, or after a jittered, growing while: a notice may be lost, and a holder may die. */
  turn(storageKey: string, tries: number, remainingMs: number): Promise<void> {
    const longest =
      Math.min(LONGEST_POLL_MS, FIRST_POLL_MS * 2 ** Math.min(tries, 10)) *
      (0.75 + Math.random() / 2);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(storageKey) ?? new Set();
      this.#waiting.set(storageKey, waiting);
      const wake = (): void => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(storageKey) === waiting)
          this.#waiting.delete(storageKey);
        resolve();
      };
      const cancel = this.clock.after(Math.max(1, Math.min(longest, remainingMs + 2)), wake);
      waiting.add(wake);
    });
  }

  /** Callers waiting for somebody else's lease. */
  get size(): number {
    return this.#waiting.size;
  }
}
