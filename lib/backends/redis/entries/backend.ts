import { randomBytes } from 'node:crypto';
import type { BackendContext } from '../../../ports/backend.js';
import type { Payload } from '../../../ports/codec.js';
import { BackendError } from '../../../ports/errors.js';
import type { GroupInvalidation, ScopeReading } from '../../../ports/groups.js';
import type {
  BackendState,
  EnsureRequest,
  FillReply,
  FillRequest,
  LeaseReply,
  LeaseRequest,
  Notice,
  Reading,
  ReadRequest,
  SharedBackend,
} from '../../../ports/shared-backend.js';
import type { Millis, Tick } from '../../../ports/time.js';
import type { Connection } from '../connection/connection.js';
import { ServerClock } from '../connection/server-clock.js';
import { keysBodies } from '../notices/message.js';
import { NoticePublisher } from '../notices/publisher.js';
import { NoticeReader } from '../notices/reader.js';
import { inChunks, MAX_REQUESTS_PER_SCRIPT, type NamespaceParts, wholeMs } from './batch.js';
import { invalidate } from './markers.js';
import { OversizedValues } from './oversized.js';
import { toArgument } from './payload.js';
import { reclaim } from './reclaim.js';
import { RedisKeys } from './redis-keys.js';
import { ScriptRunner } from './script-runner.js';
import { DELETE, SERVER_TIME, SET } from './scripts.js';
import { TickBatcher } from './tick-batcher.js';

const MAX_SET_ATTEMPTS = 3;

export interface SharedBackendParts {
  readonly connection: Connection;
  /** For the blocking reads of the notices; not started yet. */
  readonly dedicated: (stream: string) => Connection;
  /** Length of the notice stream. */
  readonly noticesKept: number;
  readonly onClose: (backend: RedisSharedBackend) => void;
}

/** A namespace in Redis. What the port calls one atomic step is one script (scripts.ts). */
export class RedisSharedBackend implements SharedBackend {
  readonly #connection: Connection;
  readonly #namespace: NamespaceParts;
  readonly #batcher: TickBatcher;
  readonly #notices: NoticeReader;
  readonly #clock = new ServerClock();
  readonly #onClose: (() => void)[] = [];

  constructor(
    private readonly context: BackendContext,
    private readonly parts: SharedBackendParts,
  ) {
    const connection = (this.#connection = parts.connection);
    const names = new RedisKeys(context.namespace);
    const scripts = new ScriptRunner(connection);
    const { stream } = names;
    const sender = randomBytes(9).toString('base64url');
    const publisher = new NoticePublisher(connection, scripts, stream, sender, parts.noticesKept);
    const learnTime = (server: Millis, roundTrip: Millis): void => {
      this.#clock.learn(server, roundTrip, context.clock.now(), performance.now());
    };
    this.#namespace = { connection, names, scripts, publisher, learnTime };
    const { maxValueBytes = Infinity, report } = context;
    const oversized = new OversizedValues(this.#namespace, maxValueBytes, report);
    this.#batcher = new TickBatcher(this.#namespace, oversized);
    this.#notices = new NoticeReader({
      stream,
      sender,
      connection: parts.dedicated(stream),
      publish: (bodies) => publisher.publish(bodies),
      report: (operation, error) => {
        context.report({ operation, error });
      },
    });
    this.#onClose.push(
      connection.onTime(learnTime),
      connection.onState((state) => {
        if (state === 'up') this.#readServerTime();
      }),
    );
    if (connection.connected) this.#readServerTime();
  }

  now(): Millis {
    return this.#clock.now(this.context.clock.now());
  }

  /** Of the node that keeps the namespace's clock, in a cluster. */
  get state(): BackendState {
    return this.#connection.stateFor(this.#namespace.names.clock(''));
  }

  onState(listener: (state: BackendState) => void): () => void {
    const end = this.#connection.onState(() => {
      listener(this.state);
    });
    this.#onClose.push(end);
    return end;
  }

  read(request: ReadRequest, timeoutMs?: Millis): Promise<Reading> {
    return this.#batcher.read(request, timeoutMs);
  }

  lease(request: LeaseRequest, timeoutMs?: Millis): Promise<LeaseReply> {
    return this.#batcher.lease(request, timeoutMs);
  }

  renew(key: string, token: string, leaseMs: Millis): Promise<boolean> {
    return this.#batcher.renew(key, token, leaseMs);
  }

  release(key: string, token: string): Promise<void> {
    return this.#batcher.release(key, token);
  }

  fill(request: FillRequest): Promise<FillReply> {
    return this.#batcher.fill(request);
  }

  async set(key: string, payload: Payload, ttlMs: Millis, token = ''): Promise<boolean> {
    const { names, publisher, scripts } = this.#namespace;
    const [body = ''] = keysBodies([key]);
    const keys = [names.value(key), names.lease(key), names.waiters(key), ...publisher.scriptKeys];
    const args = [...publisher.scriptArgs, body, toArgument(payload), wholeMs(ttlMs), token];
    const last = (): string => String(Math.ceil(this.now() + this.#connection.commandTimeout));
    // one that came too late was not done: a busy process may have written it long after it was
    // made
    let reply: unknown = 0;
    for (let attempts = 0; attempts < MAX_SET_ATTEMPTS && reply === 0; attempts++)
      reply = await scripts.run(SET, keys, args, { last });
    if (reply === -1) return false;
    if (reply !== 1) throw new BackendError('TIMEOUT', 'Redis received the set too late to do it.');
    await publisher.publishAfter([body]);
    return true;
  }

  async delete(keys: readonly string[], settleMs: Millis): Promise<void> {
    const { names, publisher, scripts } = this.#namespace;
    const max = this.#connection.kind === 'cluster' ? 1 : MAX_REQUESTS_PER_SCRIPT;
    await Promise.all(
      inChunks(keys, max).map((chunk) => {
        const targets: string[] = [];
        for (const key of chunk)
          targets.push(names.value(key), names.lease(key), names.waiters(key), names.settle(key));
        return scripts.run(
          DELETE,
          [...targets, ...publisher.scriptKeys],
          [...publisher.scriptArgs, String(Math.ceil(settleMs)), ...keysBodies(chunk)],
        );
      }),
    );
    await publisher.publishAfter(keysBodies(keys));
  }

  ensure(request: EnsureRequest, timeoutMs?: Millis): Promise<readonly ScopeReading[]> {
    return this.#batcher.ensure(request, timeoutMs);
  }

  invalidate(invalidation: GroupInvalidation): Promise<Tick> {
    return invalidate(this.#namespace, invalidation);
  }

  reclaim(scope: string, signal: AbortSignal): Promise<number> {
    return reclaim(this.#connection, this.#namespace.names, scope, signal);
  }

  /** Own notices are not delivered, except `released`: the user of this backend knows the rest. */
  subscribe(listener: (notice: Notice) => void): () => void {
    return this.#notices.subscribe(listener);
  }

  isCoherent(): boolean {
    return this.#notices.isCoherent();
  }

  close(): Promise<void> {
    for (const end of this.#onClose.splice(0)) end();
    this.#notices.close();
    this.parts.onClose(this);
    return Promise.resolve();
  }

  /**
   * The clock of the node that keeps the namespace's clock is the one that counts: the nodes of a
   * cluster may differ a little.
   */
  #readServerTime(): void {
    const { names, scripts, learnTime } = this.#namespace;
    const sentAt = performance.now();
    scripts.run(SERVER_TIME, [names.clock('')], []).then(
      (time) => {
        learnTime(Number(time), performance.now() - sentAt);
      },
      // other replies carry the time as well
      () => undefined,
    );
  }
}
