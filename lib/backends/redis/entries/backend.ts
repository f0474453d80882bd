import { randomBytes } from 'node:crypto';
import type { BackendContext } from '../../../ports/backend.js';
import type { Payload } from '../../../ports/codec.js';
import type { Tick } from '../../../ports/entry.js';
import { BackendError } from '../../../ports/errors.js';
import type {
  Acquired,
  AcquireRequest,
  SharedBackend,
  GroupInvalidation,
  Notice,
  Reading,
  ReadRequest,
  ScopeGroups,
  ScopeReading,
  BackendState,
} from '../../../ports/shared-backend.js';
import { BatchedReads } from './reads.js';
import type { Connection } from '../connection/connection.js';
import { ensure, type GroupParts, invalidate } from './markers.js';
import { ACQUIRE, DELETE, FILL, RELEASE, SET, TELL_TIME } from './scripts.js';
import { Names } from './redis-keys.js';
import { Notices } from '../notices/reader.js';
import { keysBodies, releasedBody } from '../notices/message.js';
import { fingerprint, isTorn, preferText, toArgument } from './payload.js';
import { Renewals } from './renewals.js';
import { Scripts } from './script-runner.js';
import { SharedTime } from '../connection/server-clock.js';
import { sweep } from './reclaim.js';
import { Teller } from '../notices/publisher.js';

/** One delete script handles at most this many keys, so that it never blocks the server for long. */
const KEYS_A_SCRIPT = 200;
const SET_TRIES = 3;

export interface StoreParts {
  readonly connection: Connection;
  /** For the blocking reads of the notices; not started yet. */
  readonly link: (stream: string) => Connection;
  readonly noticesKept: number;
  readonly closed: (store: RedisSharedBackend) => void;
}

/** A namespace in Redis. See `FencedStore`; the promises about atomicity are kept by the scripts in lua.ts. */
export class RedisSharedBackend implements SharedBackend<Payload> {
  readonly #names: Names;
  readonly #connection: Connection;
  readonly #scripts: Scripts;
  readonly #reads: BatchedReads;
  readonly #renewals: Renewals;
  readonly #teller: Teller;
  readonly #notices: Notices;
  readonly #groups: GroupParts;
  readonly #time = new SharedTime();
  readonly #endings: (() => void)[] = [];

  constructor(
    private readonly context: BackendContext,
    private readonly parts: StoreParts,
  ) {
    const connection = (this.#connection = parts.connection);
    const names = (this.#names = new Names(context.namespace));
    const scripts = (this.#scripts = new Scripts(connection));
    this.#renewals = new Renewals(connection, scripts);
    this.#reads = new BatchedReads(connection, names);
    const sender = randomBytes(9).toString('base64url');
    const teller = (this.#teller = new Teller(
      connection,
      scripts,
      names.stream,
      sender,
      parts.noticesKept,
    ));
    this.#notices = new Notices({
      stream: names.stream,
      sender,
      link: parts.link(names.stream),
      tell: (bodies) => teller.tell(bodies),
      report: (during, error) => {
        context.report({ operation: during, error });
      },
    });
    const learnTime = (server: number, roundTrip: number): void => {
      this.#time.learn(server, roundTrip, context.clock.now(), performance.now());
    };
    this.#groups = { names, scripts, teller, learnTime };
    this.#endings.push(
      connection.onTime(learnTime),
      connection.onState((state) => {
        if (state === 'up') this.#askTime();
      }),
    );
    if (connection.connected) this.#askTime();
  }

  now(): number {
    return this.#time.now(this.context.clock.now());
  }

  /** Of the node that keeps the namespace's clock, in a cluster. */
  get state(): BackendState {
    return this.#connection.stateFor(this.#names.clock(''));
  }

  onState(listener: (state: BackendState) => void): () => void {
    const end = this.#connection.onState(() => {
      listener(this.state);
    });
    this.#endings.push(end);
    return end;
  }

  read(request: ReadRequest, timeoutMs?: number): Promise<Reading<Payload>> {
    return this.#reads.read(request, timeoutMs);
  }

  async acquire(request: AcquireRequest<Payload>, timeoutMs?: number): Promise<Acquired<Payload>> {
    const { key, lease, leaseMs, seen, dead, replaces, text } = request;
    const { length, prefix } = fingerprint(seen);
    const names = this.#names;
    const sentAt = performance.now();
    const reply = await this.#scripts.run(
      ACQUIRE,
      [names.value(key), names.lease(key), names.waiters(key), names.settle(key)],
      [lease, wholeMs(leaseMs), dead ?? '', replaces === true ? '-2' : String(length), prefix],
      { reply: text ? 'text' : 'bytes', ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
    const took = performance.now() - sentAt;
    const [time, state, third, fourth] = Array.isArray(reply) ? (reply as unknown[]) : [];
    this.#groups.learnTime(Number(String(time)), took);
    switch (String(state)) {
      case 'leased':
        return {
          state: 'leased',
          settleUntil: Number(third) > 0 ? Number(String(time)) + Number(third) : 0,
        };
      case 'held':
        return { state: 'held', lease: String(third), remainingMs: Number(fourth) };
      case 'found':
        if (typeof third === 'string' && isTorn(third)) {
          const again = await this.acquire({ ...request, text: false }, remaining(timeoutMs, took));
          return again.state === 'found' ? { ...again, stored: preferText(again.stored) } : again;
        }
        return { state: 'found', stored: third as Payload };
      default:
        throw new BackendError('FAILED', `Redis answered acquire with ${JSON.stringify(reply)}.`, {
          unknownOutcome: true,
        });
    }
  }

  renew(key: string, lease: string, leaseMs: number): Promise<boolean> {
    return this.#renewals.renew(this.#names.lease(key), lease, wholeMs(leaseMs));
  }

  async release(key: string, lease: string): Promise<void> {
    const { lease: name, waiters } = this.#of(key);
    const body = releasedBody(key);
    const untold = await this.#scripts.run(
      RELEASE,
      [name, waiters, ...this.#teller.withinScript],
      [...this.#teller.preface, lease, body],
    );
    if (untold === 1) await this.#teller.tell([body]);
  }

  async fill(key: string, lease: string, stored: Payload, ttlMs: number): Promise<boolean> {
    const { value, lease: name, waiters } = this.#of(key);
    const body = releasedBody(key);
    const keys = [value, name, waiters, ...this.#teller.withinScript];
    const reply = await this.#scripts.run(FILL, keys, [
      ...this.#teller.preface,
      lease,
      body,
      toArgument(stored),
      wholeMs(ttlMs),
    ]);
    const [filled, untold] = Array.isArray(reply) ? (reply as unknown[]) : [];
    // the value is stored; waiters who are not told poll
    if (untold === 1) await this.#teller.tell([body]).catch(() => undefined);
    return filled === 1;
  }

  async set(key: string, stored: Payload, ttlMs: number, lease = ''): Promise<boolean> {
    const { value, lease: name, waiters } = this.#of(key);
    const [body = ''] = keysBodies([key]);
    const keys = [value, name, waiters, ...this.#teller.withinScript];
    const args = [...this.#teller.preface, body, toArgument(stored), wholeMs(ttlMs), lease];
    const last = (): string => String(Math.ceil(this.now() + this.#connection.commandTimeout));
    // one that was too late was not done: a busy process may have written it long after it was made
    let done: unknown = 0;
    for (let tries = 0; tries < SET_TRIES && done === 0; tries++)
      done = await this.#scripts.run(SET, keys, args, { last });
    if (done === -1) return false;
    if (done !== 1) throw new BackendError('TIMEOUT', 'Redis got the set too late to do it.');
    await this.#teller.afterwards([body]);
    return true;
  }

  async delete(keys: readonly string[], settleMs: number): Promise<void> {
    const { withinScript, preface } = this.#teller;
    const perScript = this.#connection.kind === 'cluster' ? 1 : KEYS_A_SCRIPT;
    const parts: (readonly string[])[] = [];
    for (let i = 0; i < keys.length; i += perScript) parts.push(keys.slice(i, i + perScript));
    await Promise.all(
      parts.map((part) => {
        const names = part.flatMap((key) => {
          const { value, lease, waiters, settle } = this.#of(key);
          return [value, lease, waiters, settle];
        });
        return this.#scripts.run(
          DELETE,
          [...names, ...withinScript],
          [...preface, String(Math.ceil(settleMs)), ...keysBodies(part)],
        );
      }),
    );
    await this.#teller.afterwards(keysBodies(keys));
  }

  ensure(
    scopes: readonly ScopeGroups[],
    keepMs: number,
    timeoutMs?: number,
  ): Promise<readonly ScopeReading[]> {
    return Promise.all(scopes.map((scope) => ensure(this.#groups, scope, keepMs, timeoutMs)));
  }

  invalidate(invalidation: GroupInvalidation): Promise<Tick> {
    return invalidate(this.#groups, invalidation);
  }

  reclaim(scope: string, signal: AbortSignal): Promise<number> {
    return sweep(this.#connection, this.#names, scope, signal);
  }

  /** Own notices are not delivered, but for `released`: the user of this store knows what it did itself. */
  subscribe(listener: (notice: Notice) => void): () => void {
    return this.#notices.subscribe(listener);
  }

  isCoherent(): boolean {
    return this.#notices.hearing();
  }

  close(): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
    this.#notices.close();
    this.parts.closed(this);
    return Promise.resolve();
  }

  #of(key: string): {
    readonly value: string;
    readonly lease: string;
    readonly waiters: string;
    readonly settle: string;
  } {
    const names = this.#names;
    return {
      value: names.value(key),
      lease: names.lease(key),
      waiters: names.waiters(key),
      settle: names.settle(key),
    };
  }

  /** The clock that counts is that of the node with the namespace's clock: the nodes of a cluster may differ a little. */
  #askTime(): void {
    const sentAt = performance.now();
    this.#scripts.run(TELL_TIME, [this.#names.clock('')], []).then(
      (time) => {
        this.#groups.learnTime(Number(time), performance.now() - sentAt);
      },
      // the next answer tells
      () => undefined,
    );
  }
}

function wholeMs(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)));
}

function remaining(timeoutMs: number | undefined, took: number): number | undefined {
  return timeoutMs === undefined ? undefined : Math.max(timeoutMs - took, 1);
}
