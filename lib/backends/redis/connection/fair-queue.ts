export interface Queued {
  readonly cost: number;
  /** False once it has settled. */
  readonly waiting: boolean;
}

interface TickQueue<Item> {
  readonly items: Item[];
  at: number;
}

/**
 * Commands that wait for their turn. Those of one turn of the event loop are one queue, and the
 * queues are served in rotation: a single command does not wait for the thousands of a bulk call
 * that came before it.
 */
export class FairQueue<Item extends Queued> {
  #queues: TickQueue<Item>[] = [];
  #open: TickQueue<Item> | undefined;

  add(item: Item): void {
    if (this.#open === undefined) {
      const queue: TickQueue<Item> = { items: [], at: 0 };
      this.#open = queue;
      this.#queues.push(queue);
      setImmediate(() => {
        if (this.#open === queue) this.#open = undefined;
      });
    }
    this.#open.items.push(item);
  }

  /** The next one, if it costs no more than `room`. */
  next(room: number): Item | undefined {
    for (let queue = this.#queues[0]; queue !== undefined; queue = this.#queues[0]) {
      let next = queue.items[queue.at];
      while (next?.waiting === false) next = queue.items[++queue.at];
      if (next !== undefined && next.cost > room) return undefined;
      this.#queues.shift();
      if (next !== undefined) {
        queue.at++;
        this.#queues.push(queue);
        return next;
      }
      if (this.#open === queue) this.#open = undefined;
    }
    return undefined;
  }

  /** Removes and returns all that wait. */
  clear(): Item[] {
    const left = this.#queues.flatMap(({ items, at }) =>
      items.slice(at).filter((item) => item.waiting),
    );
    this.#queues = [];
    this.#open = undefined;
    return left;
  }
}
