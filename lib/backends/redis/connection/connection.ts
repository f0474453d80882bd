import { BackendError } from '../../../ports/errors.js';
import type { BackendState } from '../../../ports/shared-backend.js';
import { askTime, Attempt, type TimeListener } from './connect-attempt.js';
import type { Command, ConnectionTimes } from './command.js';
import { withDeadline } from './deadline.js';
import type { Dial } from './connect.js';
import { asError, notConnected, replyCode, tooLate } from './errors.js';
import { Lanes } from './node-health.js';
import { Pause, pauseBefore } from './delay.js';
import { directly, Role } from './master-check.js';
import { Window } from './in-flight-limit.js';
import type { Wire } from './client-adapter.js';

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
const AWAY = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN']);

export class Connection {
  readonly commandTimeout: number;
  #wire: Wire | undefined;
  #attempting: Attempt | undefined;
  /** Before the first attempt has ended, commands wait for it instead of failing. */
  #opening = true;
  #closed = false;
  #firstAttempt: Promise<void>;
  #endFirstAttempt: () => void = () => undefined;
  #signalLoss: (cause: Error) => void = () => undefined;
  #reported = '';
  #lastError: Error | undefined;
  #renewedAt = -Infinity;
  #renewWait = 5_000;
  #connects = 0;
  readonly #stateListeners = new Set<(state: BackendState) => void>();
  readonly #timeListeners = new Set<TimeListener>();
  readonly #role = new Role();
  readonly #lanes: Lanes;
  /** By lane; of the wire that is in use. */
  readonly #windows = new Map<string, Window>();
  readonly #pause = new Pause();

  constructor(
    private readonly dial: Dial,
    private readonly times: ConnectionTimes,
    private readonly report: (during: string, error: Error) => void,
  ) {
    this.commandTimeout = times.commandTimeout;
    this.#firstAttempt = new Promise((resolve) => (this.#endFirstAttempt = resolve));
    this.#lanes = new Lanes(
      (key) => this.#probe(key),
      () => {
        this.#tell();
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
    return this.#opening || this.#wire?.ready === true ? 'up' : 'down';
  }

  /** As `state`, for the node that serves `key`. */
  stateFor(key: string): BackendState {
    if (this.state === 'down' || this.#wire === undefined) return this.state;
    return this.#lanes.anyBlocked && this.#lanes.isBlocked(this.#wire.lane(key)) ? 'down' : 'up';
  }

  get connected(): boolean {
    return this.#wire?.ready === true && !this.#closed;
  }
  /** Known before the first connection. */
  get kind(): Wire['kind'] {
    return this.dial.kind;
  }
  get wire(): Wire | undefined {
    return this.#wire;
  }
  get lastError(): Error | undefined {
    // a client that was given says nothing when its owner closes it
    return (
      this.#lastError ??
      (this.#wire?.ready === false ? new Error('the client is not connected.') : undefined)
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
  run(command: Command): Promise<unknown> {
    const wire = this.#wire;
    const name = command.name ?? String(command.args[0]);
    if (!wire?.ready) {
      if (this.#opening && !this.#closed) return this.#runOnceOpen(command, name);
      return Promise.reject(
        notConnected(
          name,
          this.#closed
            ? 'the backend was closed.'
            : (this.lastError?.message ?? 'the link is down.'),
        ),
      );
    }
    const lane = wire.lane(command.key);
    if (this.#lanes.isBlocked(lane))
      return Promise.reject(notConnected(name, `its node ${lane} does not answer.`));
    return (this.#windows.get(lane) ?? this.#newWindow(wire, lane)).run(command);
  }

  /** Ends the link and all attempts. Commands under way are rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opening = false;
    this.#endFirstAttempt();
    this.#lanes.clear();
    this.#signalLoss(new Error('the backend was closed.'));
    this.#pause.wake();
    this.#attempting?.abandon();
    this.#drop();
    this.#stateListeners.clear();
    this.#timeListeners.clear();
  }

  #newWindow(wire: Wire, lane: string): Window {
    const window = new Window(wire, this.commandTimeout, (command, error, code, silent) => {
      if (silent) this.#distrust(wire, lane, command.key, error);
      else if (error.code !== 'CACHE_BACKEND_TIMEOUT')
        this.#judge(wire, lane, command.key, error, code);
    });
    this.#windows.set(lane, window);
    return window;
  }

  async #runOnceOpen(command: Command, name: string): Promise<unknown> {
    const ms = Math.min(command.timeoutMs ?? Infinity, this.commandTimeout);
    const startedAt = performance.now();
    await withDeadline(this.#firstAttempt, ms, () =>
      notConnected(name, 'the first connection is still being made.'),
    );
    if (command.timeoutMs === undefined) return this.run(command);
    return this.run({
      ...command,
      timeoutMs: Math.max(command.timeoutMs - (performance.now() - startedAt), 1),
    });
  }

  async #keepOpen(): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      const startedAt = performance.now();
      const lost = new Promise<Error>((resolve) => (this.#signalLoss = resolve));
      try {
        this.#wire = await this.#attempt();
        if (this.#isClosed()) break;
        failures = 0;
        this.#connects++;
        this.#reported = '';
        this.#lastError = undefined;
        this.#ended();
        const heartbeat = this.#beat(this.#wire);
        this.#lastError = await lost;
        clearInterval(heartbeat);
      } catch (thrown) {
        failures++;
        this.#lastError = asError(thrown);
      }
      if (this.#isClosed()) break;
      this.#drop();
      this.#ended();
      this.#reportOnce(this.#lastError);
      await this.#pause.wait(pauseBefore(failures, startedAt, this.#lastError));
    }
    this.#drop();
  }

  /** Read through a method, because `close` may have been called during an await. */
  #isClosed(): boolean {
    return this.#closed;
  }

  #ended(): void {
    this.#opening = false;
    this.#endFirstAttempt();
    this.#tell();
  }

  async #attempt(): Promise<Wire> {
    const attempt = (this.#attempting = new Attempt(
      this.dial,
      this.times.connectTimeout,
      this.#timeListeners,
      this.#role,
    ));
    try {
      return await attempt.run(
        (wire, error) => {
          if (this.#wire !== wire) this.#lastError = error;
          else if (!wire.ready || wire.kind === 'single') this.#signalLoss(error);
        },
        // a reconnection, of a part: a node that took the place of another may not have what was changed last
        (wire) => {
          if (this.#wire === wire) this.#tell();
        },
      );
    } finally {
      this.#attempting = undefined;
    }
  }

  /** For a link without heartbeat: rejects when it does not lead to a master, and ends it when it leads to a replica. */
  async checkRole(): Promise<void> {
    const wire = this.#wire;
    try {
      await this.#role.checkAgain((args) => this.run({ key: '', args }));
    } catch (error) {
      if (this.#wire === wire && !(error instanceof BackendError)) this.#signalLoss(asError(error));
      throw error;
    }
  }

  /** Finds a link that is dead or leads to a replica while nobody uses it, and keeps the offset of the server's clock fresh. */
  #beat(wire: Wire): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (wire.kind === 'cluster' || this.times.blocking === true) return;
      const askedAt = performance.now();
      const questions = Promise.all([
        askTime(wire, this.#timeListeners),
        this.#role.checkAgain(directly(wire)),
      ]);
      withDeadline(questions, Math.max(this.times.connectTimeout, this.commandTimeout), () =>
        tooLate('TIME', this.times.connectTimeout, false),
      ).catch((error: unknown) => {
        const isBusy =
          error instanceof BackendError && (this.#windows.get('')?.heardAt ?? 0) > askedAt;
        if (this.#wire === wire && !isBusy) this.#signalLoss(asError(error));
      });
    }, HEARTBEAT_MS);
    timer.unref();
    return timer;
  }

  /** What a failed command says about the link. */
  #judge(
    wire: Wire,
    lane: string,
    key: string,
    error: BackendError,
    code: string | undefined,
  ): void {
    if (code === 'READONLY') this.#renew(wire, error);
    else if (
      code === undefined
        ? error.code === 'CACHE_BACKEND_UNAVAILABLE' && wire.kind === 'cluster'
        : AWAY.has(code)
    )
      this.#distrust(wire, lane, key, error);
  }

  #distrust(wire: Wire, lane: string, key: string, cause: BackendError): void {
    if (this.#wire !== wire) return;
    // what is under way there may never be answered: it does not count any more, should the node come back
    this.#windows.get(lane)?.refuse(cause.message);
    this.#windows.delete(lane);
    if (wire.kind === 'cluster')
      this.#lanes.block(lane, key, cause.code === 'CACHE_BACKEND_TIMEOUT');
    else this.#signalLoss(cause);
  }

  #probe(key: string): Promise<unknown> {
    const wire = this.#wire;
    if (wire?.ready !== true) return Promise.reject(new Error('not connected'));
    return withDeadline(wire.send(key, ['EXISTS', key], 'text', true), this.commandTimeout, () =>
      tooLate('EXISTS', this.commandTimeout, false),
    );
  }

  /** A replica answered where the master was expected: the address may lead to another server by now. Rarely: it may be one that does not say so. */
  #renew(wire: Wire, cause: Error): void {
    if (this.#wire !== wire || !this.dial.owned || wire.kind === 'cluster') return;
    const now = performance.now();
    if (now - this.#renewedAt < this.#renewWait) return;
    this.#renewWait =
      now - this.#renewedAt > 120_000 ? 5_000 : Math.min(this.#renewWait * 2, 60_000);
    this.#renewedAt = now;
    this.#signalLoss(cause);
  }

  #drop(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    this.#lanes.clear();
    for (const window of this.#windows.values()) window.refuse('the link was lost.');
    this.#windows.clear();
    wire?.destroy();
  }

  #tell(): void {
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
