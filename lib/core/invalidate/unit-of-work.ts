import type { AsyncContext } from '../../ports/context.js';
import type { GroupInvalidation, ScopeGroups } from '../../ports/groups.js';
import { concerns } from '../groups/groups.js';
import { type Change, InvalidationJournal } from '../groups/journal.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { CallResult } from '../read/answers.js';
import type { ReadThrough } from '../read/get-or-set.js';

export interface UnitOfWorkOptions {
  /**
   * True for an error after which it is not known whether the work was committed (a connection that
   * was lost during COMMIT). The invalidations are then carried out, which costs misses at worst.
   * Default: never.
   */
  readonly inDoubt?: (error: unknown) => boolean;
}

/**
 * The changes of a transaction, deferred until it ends. For its own reads, what they name is dirty.
 *
 * Nothing that is produced inside is stored or shared, dirty or not: the producer may see rows that
 * are not committed, or a snapshot that is older than another process's invalidation.
 */
class UnitOfWork {
  isOpen = true;
  readonly #deferred = new InvalidationJournal();
  readonly #keys = new Set<string>();
  readonly #groups: GroupInvalidation[] = [];

  defer(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#deferred.add(change, 0);
      if (change.kind === 'groups') this.#groups.push(change.invalidation);
      else for (const key of change.keys) this.#keys.add(key);
    }
  }

  isDirty(storageKey: string, groups: readonly ScopeGroups[]): boolean {
    return (
      this.#keys.has(storageKey) ||
      this.#groups.some((invalidation) => concerns(invalidation, groups))
    );
  }

  close(): readonly Change[] {
    this.isOpen = false;
    return this.#deferred.list();
  }
}

/** The units of work of one cache. The asynchronous context tells which one a call belongs to. */
export class UnitOfWorkRegistry {
  #open = 0;

  constructor(
    private readonly context: AsyncContext,
    private readonly readThrough: ReadThrough,
    private readonly reporter: Reporter,
    private readonly produceUncached: (call: Call) => Promise<unknown>,
  ) {}

  /** Costs nothing while no unit is open. */
  get current(): UnitOfWork | undefined {
    if (this.#open === 0) return undefined;
    const unit = this.context.current();
    return unit instanceof UnitOfWork && unit.isOpen ? unit : undefined;
  }

  /** A unit inside a unit is part of it. */
  async run<T>(
    task: () => Promise<T> | T,
    flush: (changes: readonly Change[]) => Promise<unknown>,
    { inDoubt }: UnitOfWorkOptions = {},
  ): Promise<T> {
    if (this.current !== undefined) return task();
    const unit = new UnitOfWork();
    this.#open++;
    try {
      const result = await this.context.run(unit, async () => task());
      await flush(unit.close());
      return result;
    } catch (error) {
      if (unit.isOpen && inDoubt?.(error) === true) await flush(unit.close());
      throw error;
    } finally {
      unit.close();
      this.#open--;
    }
  }

  /** @returns false when no unit is open, so that the changes are to be applied now */
  defer(changes: readonly Change[]): boolean {
    const unit = this.current;
    unit?.defer(changes);
    return unit !== undefined;
  }

  /** What is stored, when it is fresh and clean; otherwise the call has to produce for itself. */
  async find(call: Call): Promise<CallResult | undefined> {
    const unit = this.current;
    if (unit === undefined || unit.isDirty(call.storageKey, call.groups)) return undefined;
    const lookup = await this.readThrough.lookup(call);
    const { entry, freshness, groups, tier, value } = lookup;
    if (freshness !== 'fresh' || value === undefined) return undefined;
    if (unit.isDirty(call.storageKey, groups)) return undefined;
    this.reporter.outcome('hit', tier, call.storageKey);
    return { outcome: 'hit', tier, value, entry };
  }

  async getOrProduce(call: Call): Promise<unknown> {
    const found = await this.find(call);
    return found === undefined ? this.produceUncached(call) : found.value.value();
  }
}
