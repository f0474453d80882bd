import type { BackendContext } from '../../ports/backend.js';
import type { Notice } from '../../ports/shared-backend.js';
import { Leases } from './leases.js';
import { Markers } from './markers.js';
import type { Shelf } from './namespace-entries.js';

type Listener = (notice: Notice) => void;

/** All that the caches of one namespace share. */
export class Space {
  readonly markers = new Markers();
  readonly leases = new Leases();
  readonly #listeners = new Map<Listener, BackendContext['report']>();

  constructor(readonly shelf: Shelf) {}

  subscribe(listener: Listener, report: BackendContext['report']): () => void {
    const own: Listener = (notice) => {
      listener(notice);
    };
    this.#listeners.set(own, report);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Everyone has heard it when this returns. */
  tell(notice: Notice): void {
    for (const [listener, report] of Array.from(this.#listeners)) {
      try {
        listener(notice);
      } catch (error) {
        report({
          operation: 'listen',
          error: error instanceof Error ? error : new Error(String(error)),
        });
      }
    }
  }
}
