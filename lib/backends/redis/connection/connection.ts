import { BackendError } from '../../../ports/errors.js';
import type { BackendState } from '../../../ports/shared-backend.js';
import type { Command, ConnectionTimes, RedisClient, ReplyHandler } from './client-adapter.js';
import type { ConnectionSource } from './connect.js';
import { ConnectAttempt, MasterCheck, type TimeListener } from './connect-attempt.js';
import { withDeadline } from './deadline.js';
import { CancellableDelay, delayBefore, ReplacementLimit } from './delay.js';
import { asError, replyCode, unavailableError } from './errors.js';
import { startHeartbeat } from './heartbeat.js';
import { NodeCommands } from './node-commands.js';

/*
 * One connection to Redis that is always being kept open. Invariants:
 * - every command settles within its own deadline (in-flight-limit.ts), and at once while the
 *   connection is known to be down;
 * - a connection that was silent for a full deadline is never used again: it is replaced, because
 *   nothing tells a frozen server from a half-open connection;
 * - at most one attempt to connect runs at a time, and at most five start in a second;
 * - no rejection is unhandled: failures go to `report`, once per cause.
 * Guarded by faults.spec.ts.
 */

export class Connection {
  readonly commandTimeout: number;
  #commands: NodeCommands | undefined;
  #attempting: ConnectAttempt | undefined;
  /** Before the first attempt has ended, commands wait for it instead of failing. */
  #opening = true;
  #closed = false;
  #firstAttempt: Promise<void>;
  #endFirstAttempt: () => void = () => undefined;
  #signalLoss: (cause: Error) => void = () => undefined;
  #reported = '';
  #lastError: Error | undefined;
  #connects = 0;
  readonly #stateListeners = new Set<(state: BackendState) => void>();
  readonly #timeListeners = new Set<TimeListener>();
  readonly #masterCheck = new MasterCheck();
  readonly #delay = new CancellableDelay();
  readonly #replacements = new ReplacementLimit();

  constructor(
    private readonly source: ConnectionSource,
    private readonly times: ConnectionTimes,
    private readonly report: (operation: string, error: Error) => void,
  ) {
    this.commandTimeout = times.commandTimeout;
    this.#firstAttempt = new Promise((resolve) => (this.#endFirstAttempt = resolve));
  }

  /** Connects in the background. */
  start(): this {
    void this.#keepOpen();
    return this;
  }

  /** Optimistic until the first attempt has ended. */
  get state(): BackendState {
    if (this.#closed) return 'down';
    return this.#opening || this.client?.ready === true ? 'up' : 'down';
  }

  /** As `state`, for the node that serves `key`. */
  stateFor(key: string): BackendState {
    return this.state === 'up' && this.#commands?.isUsable(key) !== false ? 'up' : 'down';
  }

  get connected(): boolean {
    return this.client?.ready === true && !this.#closed;
  }
  /** Known before the first connection. */
  get kind(): RedisClient['kind'] {
    return this.source.kind;
  }
  get client(): RedisClient | undefined {
    return this.#commands?.client;
  }
  get lastError(): Error | undefined {
    // a client that was given says nothing when its owner closes it
    return (
      this.#lastError ??
      (this.client?.ready === false ? new Error('the client is not connected.') : undefined)
    );
  }
  get connects(): number {
    return this.#connects;
  }

  /** Called when the state changes, and with 'up' again after each reconnection. */
  onState(listener: (state: BackendState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }
  /** Called with the server's clock at every heartbeat (single servers). */
  onTime(listener: TimeListener): () => void {
    this.#timeListeners.add(listener);
    return () => this.#timeListeners.delete(listener);
  }

  /** @throws BackendError always within the deadline */
  send(command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.sendTo({ resolve, reject }, command);
    });
  }

  /** As `send`, without a promise: for the commands of a call. */
  sendTo(handler: ReplyHandler, command: Command): void {
    const commands = this.#commands;
    const name = command.name ?? String(command.args[0]);
    if (commands?.client.ready === true) commands.send(command, name, handler);
    else if (this.#opening && !this.#closed)
      this.#sendOnceOpen(command, name).then(handler.resolve, handler.reject);
    else {
      const why = this.#closed
        ? 'the backend was closed.'
        : (this.lastError?.message ?? 'the connection is down.');
      handler.reject(unavailableError(name, why));
    }
  }

  /** Ends the connection and all attempts. Commands in flight are rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opening = false;
    this.#endFirstAttempt();
    this.#commands?.stopProbes();
    this.#signalLoss(new Error('the backend was closed.'));
    this.#delay.cancel();
    this.#attempting?.abandon();
    this.#drop();
    this.#stateListeners.clear();
    this.#timeListeners.clear();
  }

  async #sendOnceOpen(command: Command, name: string): Promise<unknown> {
    const ms = Math.min(command.timeoutMs ?? Infinity, this.commandTimeout);
    const startedAt = performance.now();
    await withDeadline(this.#firstAttempt, ms, () =>
      unavailableError(name, 'the first connection is still being made.'),
    );
    if (command.timeoutMs === undefined) return this.send(command);
    return this.send({
      ...command,
      timeoutMs: Math.max(command.timeoutMs - (performance.now() - startedAt), 1),
    });
  }

  async #keepOpen(): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      const startedAt = performance.now();
      const lost = new Promise<Error>((resolve) => (this.#signalLoss = resolve));
      try {
        const client = await this.#attempt();
        this.#commands = this.#commandsOf(client);
        if (this.#isClosed()) break;
        failures = 0;
        this.#connects++;
        this.#reported = '';
        this.#lastError = undefined;
        this.#onAttemptEnded();
        const endHeartbeat = this.#startHeartbeat(client);
        this.#lastError = await lost;
        endHeartbeat();
      } catch (thrown) {
        failures++;
        this.#lastError = asError(thrown);
      }
      if (this.#isClosed()) break;
      this.#drop();
      this.#onAttemptEnded();
      this.#reportOnce(this.#lastError);
      await this.#delay.wait(delayBefore(failures, startedAt, this.#lastError));
    }
    this.#drop();
  }

  /** Read through a method, because `close` may have been called during an await. */
  #isClosed(): boolean {
    return this.#closed;
  }

  #onAttemptEnded(): void {
    this.#opening = false;
    this.#endFirstAttempt();
    this.#emitState();
  }

  async #attempt(): Promise<RedisClient> {
    const attempt = (this.#attempting = new ConnectAttempt(
      this.source,
      this.times.connectTimeout,
      this.#timeListeners,
      this.#masterCheck,
    ));
    try {
      return await attempt.connect(
        (client, error) => {
          if (this.client !== client) this.#lastError = error;
          else if (!client.ready || client.kind === 'single') this.#signalLoss(error);
        },
        // a node that replaced another one may not have the last changes
        (client) => {
          if (this.client === client) this.#emitState();
        },
      );
    } finally {
      this.#attempting = undefined;
    }
  }

  /**
   * For a connection without heartbeat: rejects unless it leads to a master, and ends it when it
   * leads to a replica.
   */
  async checkRole(): Promise<void> {
    const { client } = this;
    try {
      await this.#masterCheck.recheck((args) => this.send({ key: '', args }));
    } catch (error) {
      if (this.client === client && !(error instanceof BackendError))
        this.#signalLoss(asError(error));
      throw error;
    }
  }

  #startHeartbeat(client: RedisClient): () => void {
    if (this.times.blocking === true) return () => undefined;
    return startHeartbeat(client, {
      timeoutMs: Math.max(this.times.connectTimeout, this.commandTimeout),
      timeListeners: this.#timeListeners,
      masterCheck: this.#masterCheck,
      lastReplyAt: () => this.#commands?.lastReplyAt ?? 0,
      onDead: (cause) => {
        if (this.client === client) this.#signalLoss(cause);
      },
    });
  }

  #commandsOf(client: RedisClient): NodeCommands {
    return new NodeCommands(client, this.commandTimeout, {
      onDead: (cause) => {
        this.#signalLoss(cause);
      },
      onReadOnly: (cause) => {
        this.#replaceClient(client, cause);
      },
      onNodesChanged: () => {
        this.#emitState();
      },
    });
  }

  /**
   * A replica answered where the master was expected: the address may lead to another server by
   * now. Limited, because the server may be a master that refuses writes.
   */
  #replaceClient(client: RedisClient, cause: Error): void {
    if (!this.source.owned || client.kind === 'cluster') return;
    if (this.#replacements.tryReplace(performance.now())) this.#signalLoss(cause);
  }

  #drop(): void {
    const commands = this.#commands;
    this.#commands = undefined;
    commands?.close();
  }

  #emitState(): void {
    const { state } = this;
    for (const listener of [...this.#stateListeners]) listener(state);
  }

  /**
   * Once per outage, and again when the server refuses for another reason; how a socket fails
   * differs from attempt to attempt.
   */
  #reportOnce(error: Error): void {
    const cause = replyCode(error) ?? 'unreachable';
    if (cause === this.#reported) return;
    this.#reported = cause;
    this.report('connect', error);
  }
}
