/** So many values, of the names that were kept last. */
export class Latest<Value> {
  readonly #values = new Map<string, Value>();
  /**
   * Always the same one, which goes on from where it stood: a new one would step over all that was deleted at the front of the map, each time.
   * Nothing is left behind it, because what it gives is deleted, and what is put in comes last.
   */
  readonly #oldest = this.#values.entries();

  #newest: string | undefined;

  constructor(readonly most: number) {}

  get(id: string): Value | undefined {
    return this.#values.get(id);
  }

  /** @returns what was forgotten for it */
  keep(id: string, value: Value): Value | undefined {
    // Where it stands already: taking it out would make the map grow over its place again and again.
    if (id !== this.#newest) this.#values.delete(id);
    this.#newest = id;
    this.#values.set(id, value);
    if (this.#values.size <= this.most) return undefined;
    const oldest = this.#oldest.next();
    if (oldest.done === true) return undefined;
    const [first, gone] = oldest.value;
    this.#values.delete(first);
    return gone;
  }
}
