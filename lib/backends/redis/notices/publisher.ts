import { PUBLISH } from '../entries/scripts.js';
import type { Connection } from '../connection/connection.js';
import type { ScriptRunner } from '../entries/script-runner.js';

/** Idle streams disappear after this long; readers see that as a gap. */
const STREAM_TTL_MS = 7 * 86_400_000;

/**
 * Appends notices to the stream: on a single server inside the script that makes the change, so
 * that neither exists without the other; in a cluster, where the stream lives in another slot,
 * right after it, so that a notice never precedes its change.
 */
export class NoticePublisher {
  /** The first arguments of every script that publishes. */
  readonly scriptArgs: readonly string[];

  constructor(
    private readonly connection: Connection,
    private readonly scripts: ScriptRunner,
    readonly stream: string,
    readonly sender: string,
    kept: number,
  ) {
    this.scriptArgs = [String(kept), String(STREAM_TTL_MS), sender];
  }

  /** The keys that a script needs to publish by itself: the stream, or none. */
  get scriptKeys(): readonly string[] {
    return this.connection.kind === 'cluster' ? [] : [this.stream];
  }

  /** Publishes what the script could not. */
  async publishAfter(bodies: readonly string[]): Promise<void> {
    if (this.scriptKeys.length === 0 && bodies.length > 0) await this.publish(bodies);
  }

  publish(bodies: readonly string[]): Promise<unknown> {
    return this.scripts.run(PUBLISH, [this.stream], [...this.scriptArgs, ...bodies]);
  }
}
