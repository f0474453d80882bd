import type { Clock } from '../../ports/clock.js';
import type { Entry } from '../../ports/entry.js';
import { BackendError } from '../../ports/errors.js';
import type { SharedBackend, Notice } from '../../ports/shared-backend.js';
import type { Background } from '../observe/background.js';
import { type Change, InvalidationJournal, clearChange, splitChange } from '../groups/journal.js';
import type { LeaseDesk } from '../read/lease.js';
import type { SingleFlight } from '../read/single-flight.js';
import type { Tiers } from '../read/tiers.js';

/** For how long a change is repeated after a reconnection: an asynchronous replica that was promoted may have lost it. */
const REAPPLY_MS = 10_000;
/** How often a change may be refused before everything is invalidated in its place. */
const MOST_REFUSALS = 5;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

export interface InvalidatorParts {
  readonly store: SharedBackend<Entry>;
  readonly flights: SingleFlight;
  readonly desk: LeaseDesk;
  readonly background: Background;
  readonly clock: Clock;
  readonly failed: (during: string, error: unknown) => void;
  readonly journaled: (happened: 'replayed' | 'overflowed', count: number) => void;
  readonly gap: (reason: string) => void;
  /** Gives back, in the background, the memory of what can no longer be used. */
  readonly sweep: (scope: string) => void;
}

/**
 * Makes changes hold: in this process at once, in the backend as soon as it can be reached, in that order.
 *
 * Invariant: while a change has not reached the backend, `settled` is false and nothing is read from or stored to it; so an entry that is older
 * than the change cannot be seen by this process, and the journal is empty before the backend is trusted again.
 */
export class Invalidator {
  readonly #pending = new InvalidationJournal();
  readonly #recent = new InvalidationJournal();
  #replaying = false;
  #reconnections = 0;
  /** The reconnection after which recent changes were last repeated. */
  #reapplied = 0;
  #retryMs = FIRST_RETRY_MS;
  #refusals = 0;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(
    readonly parts: InvalidatorParts,
    /** Late, because the tiers ask `settled`. */
    readonly tiers: () => Tiers,
  ) {}

  /** Has every change reached the backend? */
  get settled(): boolean {
    return this.#pending.size === 0 && this.#reapplied === this.#reconnections;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** @returns true when all of it is durable; false when something waits in the journal */
  async apply(changes: readonly Change[]): Promise<boolean> {
    for (const change of changes) this.here(change);
    const results = await Promise.all(
      changes.flatMap(splitChange).map((change) => this.#there(change)),
    );
    // Again: a load that began in between may have read what the backend still had.
    for (const change of changes) this.here(change);
    return results.every(Boolean);
  }

  /** What could not be done in another way is done by making sure that the old is gone. */
  defer(change: Change): void {
    if (!this.#pending.add(change, this.parts.clock.now()))
      this.parts.journaled('overflowed', this.#pending.size);
    this.#retryLater();
  }

  /** To be repeated after a failover: what the backend has acknowledged, or, for a value that was stored, that what was there before is gone. */
  arrived(change: Change): void {
    if (this.tiers().local) return;
    const now = this.parts.clock.now();
    this.#recent.expire(now - REAPPLY_MS);
    this.#recent.add(change, now);
  }

  /** The effect in this process: flights detached, L1 told. Synchronous. */
  here(change: Change): void {
    const { flights } = this.parts;
    const { fences, near, local } = this.tiers();
    if (change.kind === 'groups') {
      flights.groupsMoved(change.invalidation);
      fences.groupsMoved(change.invalidation);
      return;
    }
    fences.keysMoved();
    for (const key of change.keys) {
      flights.keyMoved(key);
      if (!local) near?.remove(key);
    }
  }

  /** What others did. */
  hear(notice: Notice): void {
    switch (notice.kind) {
      case 'keys':
        this.here({ kind: 'keys', keys: notice.keys, settleMs: 0 });
        return;
      case 'groups':
        this.here({ kind: 'groups', invalidation: notice.invalidation });
        return;
      case 'released':
        this.parts.desk.released(notice.key);
        return;
      case 'gap': {
        const { fences, near, local } = this.tiers();
        // Without L1 nobody joins by what was heard.
        if (near !== undefined) this.parts.flights.closeAll();
        fences.forget();
        if (!local) near?.clear();
        this.parts.gap(notice.reason);
      }
    }
  }

  /** The backend is there, possibly another one than before. */
  reconnected(): void {
    this.#recent.expire(this.parts.clock.now() - REAPPLY_MS);
    this.#reconnections++;
    if (this.#recent.size === 0) this.#reapplied = this.#reconnections;
    if (!this.settled) this.#retryNow();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  async #there(change: Change): Promise<boolean> {
    const { store, failed } = this.parts;
    // Behind others in the journal it waits its turn, so that the order stays.
    if (store.state === 'up' && this.settled) {
      try {
        await this.#send(change);
        this.arrived(change);
        return true;
      } catch (error) {
        failed('invalidate', error);
        if (isKept(error)) return false;
      }
    }
    this.defer(change);
    return false;
  }

  async #send(change: Change): Promise<void> {
    if (change.kind === 'keys') await this.parts.store.delete(change.keys, change.settleMs);
    else {
      await this.parts.store.invalidate(change.invalidation);
      if (change.clears === true) this.parts.sweep(change.invalidation.scope);
    }
  }

  /**
   * A change that the backend answers and refuses again and again would keep all others waiting for ever: a change of everything stands for it, at
   * the cost of misses. When that is refused as well, nothing may be believed, and the journal has to wait.
   */
  async #instead(error: unknown): Promise<void> {
    if (isKept(error)) return;
    if (
      !(error instanceof BackendError) ||
      error.code !== 'CACHE_BACKEND_FAILED' ||
      ++this.#refusals < MOST_REFUSALS
    )
      throw error;
    this.parts.failed('replay', error);
    await this.#send(clearChange());
    this.parts.journaled('overflowed', 1);
  }

  #retryNow(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (!this.#replaying && !this.#closed) this.parts.background.run(() => this.#replay());
  }

  #retryLater(): void {
    if (this.#cancelRetry !== undefined || this.#closed) return;
    this.#cancelRetry = this.parts.clock.after(this.#retryMs, () => {
      this.#retryNow();
    });
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
  }

  /** Recent changes first: they are older than those that wait. */
  async #replay(): Promise<void> {
    this.#replaying = true;
    let count = 0;
    try {
      while (this.#reapplied !== this.#reconnections) {
        const round = this.#reconnections;
        for (const change of this.#recent.list())
          await this.#send(change)
            .catch(unlessKept)
            .then(() => count++);
        this.#reapplied = round;
      }
      for (
        let change = this.#pending.first;
        change !== undefined && !this.#closed;
        change = this.#pending.first
      ) {
        await this.#send(change).catch((error: unknown) => this.#instead(error));
        this.#refusals = 0;
        count++;
        this.#pending.remove(change);
        this.#recent.add(change, this.parts.clock.now());
      }
      this.#retryMs = FIRST_RETRY_MS;
      if (count > 0) this.parts.journaled('replayed', count);
    } catch (error) {
      this.parts.failed('replay', error);
    } finally {
      this.#replaying = false;
      if (!this.settled) this.#retryLater();
    }
  }
}

function isKept(error: unknown): boolean {
  return error instanceof BackendError && error.kept;
}
function unlessKept(error: unknown): void {
  if (!isKept(error)) throw error;
}
