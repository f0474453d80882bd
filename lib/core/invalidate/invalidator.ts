import type { Clock } from '../../ports/clock.js';
import { BackendError } from '../../ports/errors.js';
import type { MemoryTier } from '../../ports/memory-tier.js';
import type { Notice, SharedBackend } from '../../ports/shared-backend.js';
import type { Millis } from '../../ports/time.js';
import { type Change, clearChange, InvalidationJournal, splitChange } from '../groups/journal.js';
import type { LocalInvalidations } from '../groups/local-invalidations.js';
import type { Background } from '../observe/background.js';
import type { Reporter } from '../observe/reporter.js';
import type { SingleFlight } from '../read/single-flight.js';
import { isPromise, type Tiers } from '../read/tiers.js';
import type { WriteOrder } from './write-order.js';

/** How long a change is repeated after a reconnection: a promoted replica may have lost it. */
const REPEAT_MS: Millis = 10_000;
/** How often a change may be refused before everything is invalidated instead of it. */
const MAX_REFUSALS = 5;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

export interface InvalidatorParts {
  readonly flights: SingleFlight;
  /** Methods under way whose result is to be stored. */
  readonly puts: SingleFlight;
  readonly invalidations: LocalInvalidations;
  /** An L1 in front of a shared backend; undefined when the cache lives in memory. */
  readonly l1: MemoryTier | undefined;
  readonly backend: SharedBackend | undefined;
  readonly order: WriteOrder;
  readonly background: Background;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly onReleased: (storageKey: string) => void;
}

/**
 * Makes changes take effect: in this process at once, then in the backend, as soon as it can be
 * reached.
 *
 * Invariant: while a change has not reached the backend, `isDrained` is false and nothing is read
 * from or stored in it. So this process never sees an entry that is older than the change, and the
 * journal is empty before the backend is trusted again.
 */
export class Invalidator {
  readonly #journal = new InvalidationJournal();
  /** Acknowledged changes that a failover may still lose. */
  readonly #recent = new InvalidationJournal();
  #isReplaying = false;
  #reconnections = 0;
  /** The reconnection after which recent changes were last repeated. */
  #repeatedAt = 0;
  #retryMs = FIRST_RETRY_MS;
  #refusals = 0;
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;

  constructor(
    private readonly parts: InvalidatorParts,
    /** Late, because the tiers ask `isDrained`. */
    private readonly tiers: () => Tiers,
  ) {}

  /** Has every change reached the backend? */
  get isDrained(): boolean {
    return this.#journal.size === 0 && this.#repeatedAt === this.#reconnections;
  }

  /** Changes that wait in the journal. */
  get pending(): number {
    return this.#journal.size;
  }

  /** @returns false when some of the changes wait in the journal */
  async apply(changes: readonly Change[]): Promise<boolean> {
    this.#applyBefore(changes);
    const sending = changes.flatMap(splitChange).map((change) => this.#applyToBackend(change));
    if (!sending.some(isPromise)) return sending.every(Boolean);
    const results = await Promise.all(sending.map(async (one) => one));
    this.#applyAfter(changes);
    return results.every(Boolean);
  }

  /** The effect in this process: flights are detached, L1 and the register know. Synchronous. */
  applyLocally(change: Change): void {
    const { flights, puts, invalidations, l1 } = this.parts;
    if (change.kind === 'groups') {
      flights.onGroupsInvalidated(change.invalidation);
      puts.onGroupsInvalidated(change.invalidation);
      invalidations.recordGroups(change.invalidation);
      return;
    }
    invalidations.recordKeys(change.keys, change.settleMs);
    for (const key of change.keys) {
      flights.onKeyInvalidated(key);
      puts.onKeyInvalidated(key);
      l1?.remove(key);
    }
  }

  /** For a change that could not be made in any other way. */
  enqueue(change: Change): void {
    const { clock, reporter } = this.parts;
    if (!this.#journal.add(change, clock.now())) {
      reporter.report({ type: 'journal_overflowed', count: this.#journal.size });
    }
    this.#retryLater();
  }

  /** Repeats the change after a failover: what was there before it has to be gone. */
  remember(change: Change): void {
    if (this.parts.backend === undefined) return;
    const now = this.parts.clock.now();
    this.#recent.expire(now - REPEAT_MS);
    this.#recent.add(change, now);
  }

  /** A notice of another process. */
  onNotice(notice: Notice): void {
    switch (notice.kind) {
      case 'keys':
        this.applyLocally({ kind: 'keys', keys: notice.keys, settleMs: 0 });
        return;
      case 'groups':
        this.applyLocally({ kind: 'groups', invalidation: notice.invalidation });
        return;
      case 'released':
        this.parts.onReleased(notice.key);
        return;
      case 'gap':
        this.#onNoticesMissed(notice.reason);
    }
  }

  /** The backend is there again; it may be another server than before. */
  onReconnect(): void {
    this.#recent.expire(this.parts.clock.now() - REPEAT_MS);
    this.#reconnections++;
    if (this.#recent.size === 0) this.#repeatedAt = this.#reconnections;
    if (!this.isDrained) this.#retryNow();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
  }

  /** What is under way may have read what the change is going to take away. */
  #applyBefore(changes: readonly Change[]): void {
    for (const change of changes) this.applyLocally(change);
  }

  /** Again: a load that began meanwhile may have read what the backend still had. */
  #applyAfter(changes: readonly Change[]): void {
    for (const change of changes) this.applyLocally(change);
  }

  #onNoticesMissed(reason: string): void {
    const { flights, invalidations, l1, reporter } = this.parts;
    // Without L1, no caller joins a flight because of what was heard.
    if (l1 !== undefined) flights.stopJoiningAll();
    invalidations.invalidateAll();
    l1?.clear();
    reporter.report({ type: 'notices_missed', reason });
  }

  /** Behind sets of the same key or groups, and behind the journal, so that the order stays. */
  #applyToBackend(change: Change): boolean | Promise<boolean> {
    const sending = this.parts.order.enqueueChange(change, () => this.#trySend(change));
    return sending ?? this.#trySend(change);
  }

  #trySend(change: Change): boolean | Promise<boolean> {
    const { backend } = this.parts;
    if (!this.isDrained || backend?.state === 'down') return this.#defer(change);
    const sending = this.tiers().send(change);
    if (sending === undefined) return true;
    return sending.then(
      () => {
        this.remember(change);
        return true;
      },
      (error: unknown) => {
        this.#reportProblem('invalidate', error);
        return this.#defer(change);
      },
    );
  }

  #defer(change: Change): false {
    this.enqueue(change);
    return false;
  }

  /**
   * A change that the backend refuses again and again would keep all others waiting. It is replaced
   * by one that invalidates everything, at the cost of misses. When that is refused as well,
   * nothing may be believed, and the journal has to wait.
   */
  async #clearInstead(error: unknown): Promise<void> {
    const isRefused = error instanceof BackendError && error.code === 'CACHE_BACKEND_FAILED';
    if (!isRefused || ++this.#refusals < MAX_REFUSALS) throw error;
    this.#reportProblem('replay', error);
    await this.tiers().send(clearChange());
    this.parts.reporter.report({ type: 'journal_overflowed', count: 1 });
  }

  #retryNow(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (!this.#isReplaying && !this.#isClosed) this.parts.background.run(() => this.#replay());
  }

  #retryLater(): void {
    if (this.#cancelRetry !== undefined || this.#isClosed) return;
    this.#cancelRetry = this.parts.clock.after(this.#retryMs, () => {
      this.#retryNow();
    });
    this.#retryMs = Math.min(MAX_RETRY_MS, 2 * this.#retryMs);
  }

  async #replay(): Promise<void> {
    this.#isReplaying = true;
    let count = 0;
    try {
      // Recent changes first: they are older than those that wait.
      while (this.#repeatedAt !== this.#reconnections) {
        const round = this.#reconnections;
        for (const change of this.#recent.list()) {
          await this.tiers().send(change);
          count++;
        }
        this.#repeatedAt = round;
      }
      for (let next = this.#journal.first; next !== undefined; next = this.#journal.first) {
        if (this.#isClosed) break;
        await this.#sendOrClear(next);
        this.#refusals = 0;
        count++;
        this.#journal.remove(next);
        this.remember(next);
      }
      this.#retryMs = FIRST_RETRY_MS;
      if (count > 0) this.parts.reporter.report({ type: 'journal_replayed', count });
    } catch (error) {
      this.#reportProblem('replay', error);
    } finally {
      this.#isReplaying = false;
      if (!this.isDrained) this.#retryLater();
    }
  }

  async #sendOrClear(change: Change): Promise<void> {
    try {
      await this.tiers().send(change);
    } catch (error) {
      await this.#clearInstead(error);
    }
  }

  #reportProblem(operation: string, error: unknown): void {
    this.parts.reporter.report({ type: 'backend_problem', operation, error });
  }
}
