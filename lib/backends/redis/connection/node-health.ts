import { BackendError } from '../../../ports/errors.js';
import { NODE_SILENCE_MS } from './connect.js';

/** How long after a refusal a node is probed, in ms. */
const PROBE_INTERVAL_MS = 500;
/**
 * When it did not answer at all. Every command written to a dead socket makes the client wait for
 * the end of that socket anew, so the client must have given up before.
 */
const SILENT_PROBE_INTERVAL_MS = NODE_SILENCE_MS + 500;

/**
 * Knows the nodes of a cluster that did not answer in time. Commands for them are rejected at once,
 * so that one frozen node does not make every call wait, while probes by a name that the node
 * serves (after a failover another one) find out whether it answers again.
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

  isBlocked(node: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(node);
  }

  get anyBlocked(): boolean {
    return this.#blocked.size > 0;
  }

  block(node: string, key: string, silent: boolean): void {
    if (this.#blocked.has(node)) return;
    this.#blocked.set(node, { key, timer: undefined });
    this.changed();
    this.#probeLater(node, silent ? SILENT_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS);
  }

  clear(): void {
    for (const { timer } of this.#blocked.values()) clearTimeout(timer);
    this.#blocked.clear();
  }

  #probeLater(node: string, ms: number): void {
    const entry = this.#blocked.get(node);
    if (entry === undefined) return;
    entry.timer = setTimeout(() => {
      this.probe(entry.key).then(
        () => {
          if (this.#blocked.get(node) !== entry) return;
          this.#blocked.delete(node);
          this.changed();
        },
        (error: unknown) => {
          const silent = error instanceof BackendError && error.code === 'CACHE_BACKEND_TIMEOUT';
          if (this.#blocked.get(node) === entry)
            this.#probeLater(node, silent ? SILENT_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS);
        },
      );
    }, ms);
    entry.timer.unref();
  }
}
