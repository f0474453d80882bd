export interface Queued {
  readonly cost: number;
  /** False for one that has given up. */
  readonly waiting: boolean;
}

interface TickQueue<Item> {
  readonly items: Item[];
  at: number;
}

/**
 * What waits for its turn. What comes in one turn of the event loop stands in one line, and the lines are served in rotation: a single command does
 * not wait for the thousands of a bulk that came before it.
 */
export class FairQueue<Item extends Queued> {
  #queues: TickQueue<Item>[] = [];
  #open: TickQueue<Item> | undefined;

  add(item: Item): void {
    if (this.#open === undefined) {
      const line: TickQueue<Item> = { items: [], at: 0 };
      this.#open = line;
      this.#queues.push(line);
      setImmediate(() => {
        if (this.#open === line) this.#open = undefined;
      });
    }
    this.#open.items.push(item);
  }

  /** The next one, if it costs no more than `room`. */
  next(room: number): Item | undefined {
    for (let line = this.#queues[0]; line !== undefined; line = this.#queues[0]) {
      let next = line.items[line.at];
      while (next?.waiting === false) next = line.items[++line.at];
      if (next !== undefined && next.cost > room) return undefined;
      this.#queues.shift();
      if (next !== undefined) {
        line.at++;
        this.#queues.push(line);
        return next;
      }
      if (this.#open === line) this.#open = undefined;
    }
    return undefined;
  }

  /** Everything that waits, taken out. */
  clear(): Item[] {
    const left = this.#queues.flatMap(({ items, at }) =>
      items.slice(at).filter((item) => item.waiting),
    );
    this.#queues = [];
    this.#open = undefined;
    return left;
  }
}
