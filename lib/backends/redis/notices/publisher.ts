import { TELL } from '../entries/scripts.js';
import type { Connection } from '../connection/connection.js';
import type { Scripts } from '../entries/script-runner.js';

/** Idle streams disappear after this long; readers see that as a gap. */
const STREAM_KEPT_MS = 7 * 86_400_000;

/**
 * Puts notices into the stream: on a single server inside the script that makes the change, so that neither exists without the other; in a cluster,
 * where the stream lives in another slot, right after it, so that nobody hears of a change that is not there yet.
 */
export class Teller {
  /** The first arguments of every script that announces. */
  readonly preface: readonly string[];

  constructor(
    private readonly connection: Connection,
    private readonly scripts: Scripts,
    readonly stream: string,
    readonly sender: string,
    kept: number,
  ) {
    this.preface = [String(kept), String(STREAM_KEPT_MS), sender];
  }

  /** The keys a script needs to announce by itself: the stream, or none. */
  get withinScript(): readonly string[] {
    return this.connection.kind === 'cluster' ? [] : [this.stream];
  }

  /** Announces what the script before could not. */
  async afterwards(bodies: readonly string[]): Promise<void> {
    if (this.withinScript.length === 0 && bodies.length > 0) await this.tell(bodies);
  }

  tell(bodies: readonly string[]): Promise<unknown> {
    return this.scripts.run(TELL, [this.stream], [...this.preface, ...bodies]);
  }
}
