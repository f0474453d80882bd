import type { ScopeGroups } from '../../ports/groups.js';
import { concerns } from '../groups/groups.js';
import type { Change } from '../groups/journal.js';

interface PendingSet {
  readonly groups: readonly ScopeGroups[];
  /** Settles, never rejecting, when the set has been answered. */
  readonly ended: Promise<void>;
}

interface PendingChange {
  readonly change: Change;
  readonly ended: Promise<void>;
}

/**
 * The order of the sets of one process. A set reads clocks before it sends its value, so whatever
 * is called meanwhile for the same key would arrive before it and be undone by it.
 *
 * Invariant: sets and changes that concern the same entry are sent in the order of their calls.
 */
export class WriteOrder {
  /** The last pending set of each key; it waits for those before it. */
  readonly #sets = new Map<string, PendingSet>();
  /** Changes that wait for a set. */
  readonly #changes = new Set<PendingChange>();

  hasPendingSet(key: string): boolean {
    return this.#sets.has(key);
  }

  enqueueSet<T>(key: string, groups: readonly ScopeGroups[], send: () => Promise<T>): Promise<T> {
    const before: Promise<void>[] = [];
    const last = this.#sets.get(key);
    if (last !== undefined) before.push(last.ended);
    for (const { change, ended } of this.#changes) {
      if (changes(change, key, groups)) before.push(ended);
    }
    const sending = before.length === 0 ? send() : Promise.all(before).then(send);
    const pending: PendingSet = { groups, ended: settled(sending) };
    this.#sets.set(key, pending);
    void pending.ended.then(() => {
      if (this.#sets.get(key) === pending) this.#sets.delete(key);
    });
    return sending;
  }

  /** @returns undefined when the change has nothing to wait for */
  enqueueChange<T>(change: Change, send: () => T | Promise<T>): Promise<T> | undefined {
    if (this.#sets.size === 0) return undefined;
    const before: Promise<void>[] = [];
    for (const [key, { groups, ended }] of this.#concernedSets(change)) {
      if (changes(change, key, groups)) before.push(ended);
    }
    if (before.length === 0) return undefined;
    const sending = Promise.all(before).then(send);
    const pending: PendingChange = { change, ended: settled(sending) };
    this.#changes.add(pending);
    void pending.ended.then(() => this.#changes.delete(pending));
    return sending;
  }

  *#concernedSets(change: Change): Iterable<readonly [string, PendingSet]> {
    if (change.kind === 'groups') {
      yield* this.#sets;
      return;
    }
    for (const key of change.keys) {
      const pending = this.#sets.get(key);
      if (pending !== undefined) yield [key, pending];
    }
  }
}

function changes(change: Change, key: string, groups: readonly ScopeGroups[]): boolean {
  return change.kind === 'keys' ? change.keys.includes(key) : concerns(change.invalidation, groups);
}

function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => undefined,
    () => undefined,
  );
}
