/** A map that keeps the `max` most recently written entries. */
export class BoundedMap<Value> {
  readonly #values = new Map<string, Value>();
  /**
   * One iterator for the life of the map: a new one would step over everything deleted at the
   * front, each time. Written entries come last, so nothing is ever left behind it.
   */
  readonly #oldest = this.#values.entries();
  #newest: string | undefined;

  constructor(readonly max: number) {}

  get size(): number {
    return this.#values.size;
  }

  get(id: string): Value | undefined {
    return this.#values.get(id);
  }

  /** @returns the value that was dropped to make room */
  set(id: string, value: Value): Value | undefined {
    // The newest keeps its place: deleting it again and again would make the table grow.
    if (id !== this.#newest) this.#values.delete(id);
    this.#newest = id;
    this.#values.set(id, value);
    if (this.#values.size <= this.max) return undefined;
    const oldest = this.#oldest.next();
    if (oldest.done === true) return undefined;
    const [first, dropped] = oldest.value;
    this.#values.delete(first);
    return dropped;
  }
}
