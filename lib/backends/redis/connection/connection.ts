import { BackendError } from '../../../ports/errors.js';
import type { BackendState } from '../../../ports/shared-backend.js';
import { readServerTime, ConnectAttempt, type TimeListener } from './connect-attempt.js';
import type { Command, ConnectionTimes } from './command.js';
import { withDeadline } from './deadline.js';
import type { ConnectionSource } from './connect.js';
import { asError, unavailableError, replyCode, timeoutError } from './errors.js';
import { NodeHealth } from './node-health.js';
import { CancellableDelay, delayBefore } from './delay.js';
import { askDirectly, MasterCheck } from './master-check.js';
import { InFlightLimit } from './in-flight-limit.js';
import type { RedisClient } from './client-adapter.js';

/*
 * One link to Redis that is always being kept open. Invariants:
 * - every command settles within its own deadline (window.ts), and at once while the link is known to be down;
 * - a link that was silent for a full deadline is never used again: it is replaced, because nothing tells a frozen server from a half-open link;
 * - at most one attempt to connect runs at a time, and at most five start in a second;
 * - nothing here throws into the void: failures go to `report`, once per cause.
 * The specs that guard them: connection.spec.ts, faults.spec.ts.
 */

const HEARTBEAT_MS = 2_000;
/** Replies that mean that nothing can be done with this server for a while. */
const UNAVAILABLE_REPLIES = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN']);

export class Connection {
  readonly commandTimeout: number;
  #client: RedisClient | undefined;
  #attempting: ConnectAttempt | undefined;
  /** Before the first attempt has ended, commands wait for it instead of failing. */
  #opening = true;
  #closed = false;
  #firstAttempt: Promise<void>;
  #endFirstAttempt: () => void = () => undefined;
  #signalLoss: (cause: Error) => void = () => undefined;
  #reported = '';
  #lastError: Error | undefined;
  #replacedAt = -Infinity;
  #replaceInterval = 5_000;
  #connects = 0;
  readonly #stateListeners = new Set<(state: BackendState) => void>();
  readonly #timeListeners = new Set<TimeListener>();
  readonly #masterCheck = new MasterCheck();
  readonly #nodes: NodeHealth;
  /** By lane; of the wire that is in use. */
  readonly #limits = new Map<string, InFlightLimit>();
  readonly #delay = new CancellableDelay();

  constructor(
    private readonly source: ConnectionSource,
    private readonly times: ConnectionTimes,
    private readonly report: (during: string, error: Error) => void,
  ) {
    this.commandTimeout = times.commandTimeout;
    this.#firstAttempt = new Promise((resolve) => (this.#endFirstAttempt = resolve));
    this.#nodes = new NodeHealth(
      (key) => this.#probe(key),
      () => {
        this.#emitState();
      },
    );
  }

  /** Opens the link in the background. */
  start(): this {
    void this.#keepOpen();
    return this;
  }

  /** Optimistic until the first attempt has ended. */
  get state(): BackendState {
    if (this.#closed) return 'down';
    return this.#opening || this.#client?.ready === true ? 'up' : 'down';
  }

  /** As `state`, for the node that serves `key`. */
  stateFor(key: string): BackendState {
    if (this.state === 'down' || this.#client === undefined) return this.state;
    return this.#nodes.anyBlocked && this.#nodes.isBlocked(this.#client.node(key)) ? 'down' : 'up';
  }

  get connected(): boolean {
    return this.#client?.ready === true && !this.#closed;
  }
  /** Known before the first connection. */
  get kind(): RedisClient['kind'] {
    return this.source.kind;
  }
  get client(): RedisClient | undefined {
    return this.#client;
  }
  get lastError(): Error | undefined {
    // a client that was given says nothing when its owner closes it
    return (
      this.#lastError ??
      (this.#client?.ready === false ? new Error('the client is not connected.') : undefined)
    );
  }
  get connects(): number {
    return this.#connects;
  }

  /** Called when the link comes up or goes down; after each reconnection with 'up' again. */
  onState(listener: (state: BackendState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }
  /** Called with the server's clock whenever a heartbeat brought it (single servers). */
  onTime(listener: TimeListener): () => void {
    this.#timeListeners.add(listener);
    return () => this.#timeListeners.delete(listener);
  }

  /** @throws BackendError always within the deadline */
  send(command: Command): Promise<unknown> {
    const wire = this.#client;
    const name = command.name ?? String(command.args[0]);
    if (!wire?.ready) {
      if (this.#opening && !this.#closed) return this.#runOnceOpen(command, name);
      return Promise.reject(
        unavailableError(
          name,
          this.#closed
            ? 'the backend was closed.'
            : (this.lastError?.message ?? 'the link is down.'),
        ),
      );
    }
    const lane = wire.node(command.key);
    if (this.#nodes.isBlocked(lane))
      return Promise.reject(unavailableError(name, `its node ${lane} does not answer.`));
    return (this.#limits.get(lane) ?? this.#newLimit(wire, lane)).send(command);
  }

  /** Ends the link and all attempts. Commands under way are rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opening = false;
    this.#endFirstAttempt();
    this.#nodes.clear();
    this.#signalLoss(new Error('the backend was closed.'));
    this.#delay.cancel();
    this.#attempting?.abandon();
    this.#drop();
    this.#stateListeners.clear();
    this.#timeListeners.clear();
  }

  #newLimit(wire: RedisClient, lane: string): InFlightLimit {
    const window = new InFlightLimit(wire, this.commandTimeout, (command, error, code, silent) => {
      if (silent) this.#markUnresponsive(wire, lane, command.key, error);
      else if (error.code !== 'CACHE_BACKEND_TIMEOUT')
        this.#onCommandError(wire, lane, command.key, error, code);
    });
    this.#limits.set(lane, window);
    return window;
  }

  async #runOnceOpen(command: Command, name: string): Promise<unknown> {
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
        this.#client = await this.#attempt();
        if (this.#isClosed()) break;
        failures = 0;
        this.#connects++;
        this.#reported = '';
        this.#lastError = undefined;
        this.#onAttemptEnded();
        const heartbeat = this.#startHeartbeat(this.#client);
        this.#lastError = await lost;
        clearInterval(heartbeat);
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
        (wire, error) => {
          if (this.#client !== wire) this.#lastError = error;
          else if (!wire.ready || wire.kind === 'single') this.#signalLoss(error);
        },
        // a reconnection, of a part: a node that took the place of another may not have what was changed last
        (wire) => {
          if (this.#client === wire) this.#emitState();
        },
      );
    } finally {
      this.#attempting = undefined;
    }
  }

  /** For a link without heartbeat: rejects when it does not lead to a master, and ends it when it leads to a replica. */
  async checkRole(): Promise<void> {
    const wire = this.#client;
    try {
      await this.#masterCheck.recheck((args) => this.send({ key: '', args }));
    } catch (error) {
      if (this.#client === wire && !(error instanceof BackendError))
        this.#signalLoss(asError(error));
      throw error;
    }
  }

  /** Finds a link that is dead or leads to a replica while nobody uses it, and keeps the offset of the server's clock fresh. */
  #startHeartbeat(wire: RedisClient): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (wire.kind === 'cluster' || this.times.blocking === true) return;
      const askedAt = performance.now();
      const questions = Promise.all([
        readServerTime(wire, this.#timeListeners),
        this.#masterCheck.recheck(askDirectly(wire)),
      ]);
      withDeadline(questions, Math.max(this.times.connectTimeout, this.commandTimeout), () =>
        timeoutError('TIME', this.times.connectTimeout, false),
      ).catch((error: unknown) => {
        const isBusy =
          error instanceof BackendError && (this.#limits.get('')?.lastReplyAt ?? 0) > askedAt;
        if (this.#client === wire && !isBusy) this.#signalLoss(asError(error));
      });
    }, HEARTBEAT_MS);
    timer.unref();
    return timer;
  }

  /** What a failed command says about the link. */
  #onCommandError(
    wire: RedisClient,
    lane: string,
    key: string,
    error: BackendError,
    code: string | undefined,
  ): void {
    if (code === 'READONLY') this.#replaceClient(wire, error);
    else if (
      code === undefined
        ? error.code === 'CACHE_BACKEND_UNAVAILABLE' && wire.kind === 'cluster'
        : UNAVAILABLE_REPLIES.has(code)
    )
      this.#markUnresponsive(wire, lane, key, error);
  }

  #markUnresponsive(wire: RedisClient, lane: string, key: string, cause: BackendError): void {
    if (this.#client !== wire) return;
    // what is under way there may never be answered: it does not count any more, should the node come back
    this.#limits.get(lane)?.rejectAll(cause.message);
    this.#limits.delete(lane);
    if (wire.kind === 'cluster')
      this.#nodes.block(lane, key, cause.code === 'CACHE_BACKEND_TIMEOUT');
    else this.#signalLoss(cause);
  }

  #probe(key: string): Promise<unknown> {
    const wire = this.#client;
    if (wire?.ready !== true) return Promise.reject(new Error('not connected'));
    return withDeadline(wire.send(key, ['EXISTS', key], 'text', true), this.commandTimeout, () =>
      timeoutError('EXISTS', this.commandTimeout, false),
    );
  }

  /** A replica answered where the master was expected: the address may lead to another server by now. Rarely: it may be one that does not say so. */
  #replaceClient(wire: RedisClient, cause: Error): void {
    if (this.#client !== wire || !this.source.ownedSource || wire.kind === 'cluster') return;
    const now = performance.now();
    if (now - this.#replacedAt < this.#replaceInterval) return;
    this.#replaceInterval =
      now - this.#replacedAt > 120_000 ? 5_000 : Math.min(this.#replaceInterval * 2, 60_000);
    this.#replacedAt = now;
    this.#signalLoss(cause);
  }

  #drop(): void {
    const wire = this.#client;
    this.#client = undefined;
    this.#nodes.clear();
    for (const window of this.#limits.values()) window.rejectAll('the link was lost.');
    this.#limits.clear();
    wire?.destroy();
  }

  #emitState(): void {
    const { state } = this;
    for (const listener of [...this.#stateListeners]) listener(state);
  }

  /** Once per outage, and again when the server begins to refuse for another reason: how a socket fails differs from attempt to attempt. */
  #reportOnce(error: Error): void {
    const cause = replyCode(error) ?? 'unreachable';
    if (cause === this.#reported) return;
    this.#reported = cause;
    this.report('connect', error);
  }
}
