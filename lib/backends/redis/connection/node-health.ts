import { BackendError } from '../../../ports/errors.js';
import { NODE_SILENCE_MS } from './connect.js';

/** How long after a node refused it is asked again, in ms. */
const PROBE_EVERY_MS = 500;
/** When it did not answer at all: every question written to a dead socket makes the client wait for its end anew, so first let it give up. */
const PROBE_SILENT_MS = NODE_SILENCE_MS + 500;

/**
 * Nodes of a cluster that did not answer in time. Commands for them are refused at once, so that one frozen node does not make every call wait, while
 * a probe by a name that the node serves (and, after a failover, another) asks whether it answers again.
 */
export class NodeHealth {
  readonly #blocked = new Map<
    string,
    { readonly key: string; timer: NodeJS.Timeout | undefined }
  >();

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

  block(lane: string, key: string, silent: boolean): void {
    if (this.#blocked.has(lane)) return;
    this.#blocked.set(lane, { key, timer: undefined });
    this.changed();
    this.#probeLater(lane, silent ? PROBE_SILENT_MS : PROBE_EVERY_MS);
  }

  clear(): void {
    for (const { timer } of this.#blocked.values()) clearTimeout(timer);
    this.#blocked.clear();
  }

  #probeLater(lane: string, ms: number): void {
    const entry = this.#blocked.get(lane);
    if (entry === undefined) return;
    entry.timer = setTimeout(() => {
      this.probe(entry.key).then(
        () => {
          if (this.#blocked.get(lane) !== entry) return;
          this.#blocked.delete(lane);
          this.changed();
        },
        (error: unknown) => {
          const silent = error instanceof BackendError && error.code === 'CACHE_BACKEND_TIMEOUT';
          if (this.#blocked.get(lane) === entry)
            this.#probeLater(lane, silent ? PROBE_SILENT_MS : PROBE_EVERY_MS);
        },
      );
    }, ms);
    entry.timer.unref();
  }
}
