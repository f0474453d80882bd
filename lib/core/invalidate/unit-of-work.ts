import type { AsyncContext } from '../../ports/context.js';
import type { GroupInvalidation, ScopeGroups } from '../../ports/shared-backend.js';
import type { Call } from '../options/call.js';
import type { Engine } from '../compose.js';
import type { Answer } from '../read/get-or-set.js';
import { touches } from '../groups/groups.js';
import { InvalidationJournal, type Change } from '../groups/journal.js';

export interface UnitOfWorkOptions {
  /**
   * True for an error after which it is not known whether the work was committed (a connection lost during COMMIT): the invalidations are then
   * carried out, which costs misses at worst. Default: never.
   */
  readonly inDoubt?: (error: unknown) => boolean;
}

/**
 * What a transaction has changed and nobody else may know yet. Its changes are held until it ends; for its own reads what they name is dirty.
 *
 * Nothing that is produced inside is stored or shared, dirty or not: the producer may see rows that are not committed, or a snapshot that is
 * older than an invalidation by somebody else.
 */
class UnitOfWork {
  open = true;
  readonly #held = new InvalidationJournal();
  readonly #keys = new Set<string>();
  readonly #groups: GroupInvalidation[] = [];

  hold(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#held.add(change, 0);
      if (change.kind === 'groups') this.#groups.push(change.invalidation);
      else for (const key of change.keys) this.#keys.add(key);
    }
  }

  isDirty(storageKey: string, groups: readonly ScopeGroups[]): boolean {
    return (
      this.#keys.has(storageKey) ||
      this.#groups.some((invalidation) => touches(invalidation, groups))
    );
  }

  close(): readonly Change[] {
    this.open = false;
    return this.#held.list();
  }
}

/** The units of work of one cache: which one a call belongs to is told by its asynchronous context. */
export class UnitOfWorkRegistry {
  #open = 0;

  constructor(
    readonly engine: Engine,
    readonly context: AsyncContext,
  ) {}

  /** Costs nothing while no unit is open. */
  get current(): UnitOfWork | undefined {
    if (this.#open === 0) return undefined;
    const unit = this.context.current();
    return unit instanceof UnitOfWork && unit.open ? unit : undefined;
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
      if (unit.open && inDoubt?.(error) === true) await flush(unit.close());
      throw error;
    } finally {
      unit.close();
      this.#open--;
    }
  }

  /** @returns false when no unit is open, so that the changes are to be applied now */
  hold(changes: readonly Change[]): boolean {
    const unit = this.current;
    unit?.hold(changes);
    return unit !== undefined;
  }

  /** A call inside a unit: what is stored when it is fresh and clean; undefined when the producer has to run, for this call alone. */
  async find(call: Call): Promise<Answer | undefined> {
    const unit = this.current;
    if (unit === undefined || unit.isDirty(call.storageKey, call.groups)) return undefined;
    const { entry, groups, taker, tier, verdict } = await this.engine.readThrough.look(call, false);
    if (verdict !== 'fresh' || taker === undefined || unit.isDirty(call.storageKey, groups))
      return undefined;
    return this.engine.count(call, Promise.resolve({ outcome: 'hit', tier, taker, entry }));
  }

  async read(call: Call): Promise<unknown> {
    const found = await this.find(call);
    return found === undefined ? this.engine.bypass(call) : found.taker.take();
  }
}
