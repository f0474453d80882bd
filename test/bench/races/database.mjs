/** The truth that is cached: a version for each key. The test decides how long a load takes. */
export class Database {
  #versions = new Map();
  #next = new Map();
  #loads = new Map();

  set(key, version) {
    this.#versions.set(key, version);
  }

  /** How many loads of the key began. */
  loads(key) {
    return this.#loads.get(key) ?? 0;
  }

  /**
   * What the loads of the key do instead of answering at once; returns undefined to go on as usual.
   */
  instead(key, behave) {
    this.#next.set(key, behave);
  }

  /**
   * The next load of the key reads, and answers when the gate is opened; those after it answer at
   * once.
   */
  hold(key) {
    const gate = {};
    gate.started = new Promise((resolve) => (gate.begin = resolve));
    const opened = new Promise((resolve) => (gate.open = resolve));
    this.#next.set(key, (value) => {
      this.#next.delete(key);
      gate.begin();
      return opened.then(() => value);
    });
    return gate;
  }

  async load(key) {
    this.#loads.set(key, this.loads(key) + 1);
    const value = { v: this.#versions.get(key) ?? 0, rows: [1, 2, 3] };
    const behave = this.#next.get(key);
    return behave === undefined ? value : behave(value);
  }
}
