import type { BackendError } from '../../../ports/errors.js';
import type { Millis } from '../../../ports/time.js';
import type { Command, RedisClient, ReplyHandler } from './client-adapter.js';
import { withDeadline } from './deadline.js';
import { timeoutError, unavailableError } from './errors.js';
import { InFlightLimit } from './in-flight-limit.js';
import { NodeHealth } from './node-health.js';

/** Error replies of a server that cannot be used for a while. */
const UNAVAILABLE_REPLIES = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN']);

export interface NodeEvents {
  /** The client is of no use any more. */
  readonly onDead: (cause: Error) => void;
  /** A replica answered where the master was expected. */
  readonly onReadOnly: (cause: Error) => void;
  /** A node became unusable, or usable again. */
  readonly onNodesChanged: () => void;
}

/** Sends the commands of one client to its nodes, and decides what failed ones say about them. */
export class NodeCommands {
  readonly #limits = new Map<string, InFlightLimit>();
  readonly #nodes: NodeHealth;
  #isClosed = false;

  constructor(
    readonly client: RedisClient,
    private readonly commandTimeout: Millis,
    private readonly events: NodeEvents,
  ) {
    this.#nodes = new NodeHealth((key) => this.#probe(key), events.onNodesChanged);
  }

  send(command: Command, name: string, handler: ReplyHandler): void {
    const node = this.client.node(command.key);
    if (this.#nodes.isBlocked(node))
      handler.reject(unavailableError(name, `its node ${node} does not answer.`));
    else (this.#limits.get(node) ?? this.#newLimit(node)).send(command, handler);
  }

  /** False while the node that serves the key does not answer. */
  isUsable(key: string): boolean {
    return !this.#nodes.anyBlocked || !this.#nodes.isBlocked(this.client.node(key));
  }

  /** Of a single server. Monotonic: when it last answered in time. */
  get lastReplyAt(): Millis {
    return this.#limits.get('')?.lastReplyAt ?? 0;
  }

  stopProbes(): void {
    this.#nodes.clear();
  }

  /** Rejects what is queued, and ends the client. */
  close(): void {
    this.#isClosed = true;
    this.#nodes.clear();
    for (const limit of this.#limits.values()) limit.rejectAll('the connection was lost.');
    this.#limits.clear();
    this.client.destroy();
  }

  #newLimit(node: string): InFlightLimit {
    const limit = new InFlightLimit(
      this.client,
      this.commandTimeout,
      (command, error, code, silent) => {
        if (silent) this.#markUnresponsive(node, command.key, error);
        else if (error.code !== 'CACHE_BACKEND_TIMEOUT')
          this.#onCommandError(node, command.key, error, code);
      },
    );
    this.#limits.set(node, limit);
    return limit;
  }

  #onCommandError(node: string, key: string, error: BackendError, code: string | undefined): void {
    if (this.#isClosed) return;
    if (code === 'READONLY') this.events.onReadOnly(error);
    else if (
      code === undefined
        ? error.code === 'CACHE_BACKEND_UNAVAILABLE' && this.client.kind === 'cluster'
        : UNAVAILABLE_REPLIES.has(code)
    )
      this.#markUnresponsive(node, key, error);
  }

  #markUnresponsive(node: string, key: string, cause: BackendError): void {
    if (this.#isClosed) return;
    // commands in flight there may never be answered: they do not count when the node comes back
    this.#limits.get(node)?.rejectAll(cause.message);
    this.#limits.delete(node);
    if (this.client.kind === 'cluster')
      this.#nodes.block(node, key, cause.code === 'CACHE_BACKEND_TIMEOUT');
    else this.events.onDead(cause);
  }

  #probe(key: string): Promise<unknown> {
    const { client, commandTimeout } = this;
    if (!client.ready || this.#isClosed) return Promise.reject(new Error('not connected'));
    return withDeadline(client.send(key, ['EXISTS', key], 'text', true), commandTimeout, () =>
      timeoutError('EXISTS', commandTimeout, false),
    );
  }
}
