import type { ScopeGroups } from '../../ports/shared-backend.js';
import { touches } from '../groups/groups.js';
import type { Change } from '../groups/journal.js';

interface Slot {
  last: Writing;
  count: number;
  /** Settles, never rejecting, when what was sent last has been answered. */
  onTheWay: Promise<unknown> | undefined;
}

/** A set that was called and has not returned. */
export class Writing {
  /** As the `set` returns it; never rejects. */
  done: Promise<boolean> = Promise.resolve(false);
  #overtaker: Writing | 'change' | undefined;

  constructor(
    readonly key: string,
    readonly groups: readonly ScopeGroups[],
  ) {}

  /** What this process has called for the key since: another set, or something that takes the value away. The last of them counts. */
  get overtaker(): Writing | 'change' | undefined {
    return this.#overtaker;
  }

  overtake(by: Writing | 'change'): void {
    this.#overtaker = by;
  }
}

/**
 * The order of the sets of one process. A set asks for the clocks before it sends its value; what is called meanwhile for the same key would
 * arrive first, and be undone.
 *
 * Invariants: of the sets of one key the one that was called last is sent last, and at most one is on the way. Only a set that has to be sent
 * waits, and only for one that was sent.
 */
export class PutOrder {
  readonly #slots = new Map<string, Slot>();

  begin(key: string, groups: readonly ScopeGroups[]): Writing {
    const writing = new Writing(key, groups);
    const slot = this.#slots.get(key);
    if (slot === undefined) this.#slots.set(key, { last: writing, count: 1, onTheWay: undefined });
    else {
      slot.last.overtake(writing);
      slot.last = writing;
      slot.count++;
    }
    return writing;
  }

  end({ key }: Writing): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined && --slot.count === 0) this.#slots.delete(key);
  }

  /** To be told of each change when it is called, not when it has arrived: what is set after the call stays. */
  overtake(changes: readonly Change[]): void {
    if (this.#slots.size === 0) return;
    for (const change of changes) {
      if (change.kind === 'keys')
        for (const key of change.keys) this.#slots.get(key)?.last.overtake('change');
      else
        for (const { last } of this.#slots.values())
          if (touches(change.invalidation, last.groups)) last.overtake('change');
    }
  }

  isBusy(key: string): boolean {
    return this.#slots.has(key);
  }

  /** Runs `send` when nothing of the key is on the way. */
  async inTurn<T>({ key }: Writing, send: () => Promise<T>): Promise<T> {
    const slot = this.#slots.get(key);
    while (slot?.onTheWay !== undefined) await slot.onTheWay;
    const sending = send();
    if (slot === undefined) return sending;
    const over = (): void => {
      slot.onTheWay = undefined;
    };
    slot.onTheWay = sending.then(over, over);
    return sending;
  }
}
