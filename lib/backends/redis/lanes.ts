/** How long after a node failed to answer it is asked again, in ms. */
const PROBE_EVERY_MS = 500;

/**
 * Nodes of a cluster that did not answer in time. Commands for them are refused at once, so that one frozen node does not make every call wait, while
 * a probe by a name that the node serves (and, after a failover, another) asks whether it answers again.
 */
export class Lanes {
  readonly #blocked = new Map<string, { readonly key: string; timer: NodeJS.Timeout | undefined }>();

  constructor(
    private readonly probe: (key: string) => Promise<unknown>,
    private readonly changed: () => void,
  ) {}

  isBlocked(lane: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(lane);
  }

  get anyBlocked(): boolean {
    return this.#blocked.size > 0;
  }

  block(lane: string, key: string): void {
    if (this.#blocked.has(lane)) return;
    this.#blocked.set(lane, { key, timer: undefined });
    this.changed();
    this.#probeLater(lane);
  }

  clear(): void {
    for (const { timer } of this.#blocked.values()) clearTimeout(timer);
    this.#blocked.clear();
  }

  #probeLater(lane: string): void {
    const entry = this.#blocked.get(lane);
    if (entry === undefined) return;
    entry.timer = setTimeout(() => {
      this.probe(entry.key).then(
        () => {
          if (this.#blocked.get(lane) !== entry) return;
          this.#blocked.delete(lane);
          this.changed();
        },
        () => {
          if (this.#blocked.get(lane) === entry) this.#probeLater(lane);
        },
      );
    }, PROBE_EVERY_MS);
    entry.timer.unref();
  }
}
