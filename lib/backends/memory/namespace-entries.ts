import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.js';
import type { Entry } from '../../ports/entry.js';
import { Slot, type Slots } from './lru.js';

/** Entries looked at in one go: well below a millisecond. */
const SLICE = 1_000;
const GROOMED_WITH_EACH_PUT = 2;
const NO_OPTIONS = {};

/**
 * The entries of one namespace.
 *
 * Invariants: `#names` holds the name of every slot of this shelf in `slots`, and no other. A slot of an older generation was cleared away:
 * it is never returned, and its memory comes back a little with each put, so that clearing takes no time however much there is.
 */
export class Shelf {
  readonly #names = new Set<string>();
  #generation = 0;
  #cleared = 0;
  #groomer: Iterator<string>;

  constructor(
    readonly slots: Slots,
    /** Told apart from those of other namespaces; empty for the first one, whose keys are then looked up as they are. */
    readonly prefix: string,
  ) {
    this.#groomer = this.#names.values();
  }

  get size(): number {
    return this.#names.size - this.#cleared;
  }

  get(key: string, clock: Pick<Clock, 'now'>): Slot | undefined {
    const slot = this.find(key);
    if (slot === undefined || slot.expiresAt > clock.now()) return slot;
    this.remove(key);
    return undefined;
  }

  /** Whether it has expired or not. */
  find(key: string): Slot | undefined {
    const slot = this.slots.get(this.prefix === '' ? key : this.prefix + key, NO_OPTIONS);
    if (slot === undefined || slot.generation === this.#generation) return slot;
    this.remove(key);
    return undefined;
  }

  /** @returns undefined when it is too large to keep; nothing is then kept under the key */
  put(
    key: string,
    entry: Entry,
    frozen: Slot['frozen'],
    expiresAt: number,
    now: number,
  ): Slot | undefined {
    this.#groom(GROOMED_WITH_EACH_PUT, now);
    const name = this.prefix + key;
    const slot = new Slot(this, this.#generation, entry, frozen, expiresAt, name);
    if (slot.size > this.slots.maxSize || expiresAt <= now) {
      this.slots.delete(name);
      return undefined;
    }
    this.slots.set(name, slot);
    this.#names.add(name);
    return slot;
  }

  remove(key: string): boolean {
    return this.slots.delete(this.prefix + key);
  }

  clear(now: number): void {
    this.#generation++;
    this.#cleared = this.#names.size;
    this.#groomer = this.#names.values();
    this.#groom(SLICE, now);
  }

  /** Removes the entries whose key begins with `start`, in slices between which others have their turn. */
  async sweep(start: string, signal: AbortSignal): Promise<number> {
    const wanted = this.prefix + start;
    // Those put while this runs come after these in the set, and stay.
    let left = this.#names.size;
    let removed = 0;
    for (const name of this.#names) {
      if (left-- <= 0 || signal.aborted) break;
      if (name.startsWith(wanted) && this.slots.delete(name)) removed++;
      if (left % SLICE === 0) await setImmediate();
    }
    return removed;
  }

  /** Called by the slots for whatever leaves them. */
  disposed(name: string, slot: Slot, replaced: boolean): void {
    if (slot.generation !== this.#generation) this.#cleared--;
    if (!replaced) this.#names.delete(name);
  }

  /** Looks at a few more entries, round and round, and removes those that expired or were cleared away. */
  #groom(count: number, now: number): void {
    for (let i = 0; i < count && this.#names.size > 0; i++) {
      let next = this.#groomer.next();
      if (next.done === true) {
        this.#groomer = this.#names.values();
        next = this.#groomer.next();
        if (next.done === true) return;
      }
      const slot = this.slots.peek(next.value);
      if (slot !== undefined && (slot.generation !== this.#generation || slot.expiresAt <= now))
        this.slots.delete(next.value);
    }
  }
}
