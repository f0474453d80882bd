import type { BackendContext, BackendProblem, CacheBackend } from '../../ports/backend.js';
import { CacheConfigError } from '../../ports/errors.js';
import type { SharedBackend, BackendState } from '../../ports/shared-backend.js';
import { Connection } from './connection/connection.js';
import { type ConnectionSource, sourceFor } from './connection/connect.js';
import { redact } from './connection/errors.js';
import { type RedisBackendOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { RedisSharedBackend } from './entries/backend.js';
import { toArgument } from './entries/payload.js';

const REPORT_INTERVAL_MS = 60_000;

/** What a health page shows of a `RedisBackend`. Holds no secrets. */
export interface RedisBackendStatus {
  readonly state: BackendState;
  /** How often a connection was opened; more than 1 means that it was lost in between. */
  readonly connects: number;
  /** Why the connection is down, or was last time. */
  readonly lastError: string | undefined;
}

/**
 * Entries, leases, markers and notices in Redis 6.2 or later (or a compatible server, a cluster, or
 * a master behind sentinels).
 *
 * It connects in the background as soon as it is made and keeps trying until `close()`; neither the
 * constructor nor any call waits for Redis longer than `commandTimeout`. One connection carries all
 * commands, one more for each opened cache receives notices. Every method rejects with a
 * `BackendError`: `CACHE_BACKEND_UNAVAILABLE` (not connected), `CACHE_BACKEND_TIMEOUT` (no reply in
 * time), `CACHE_BACKEND_FAILED` (an error reply of Redis).
 */
export class RedisBackend implements CacheBackend {
  readonly name = 'RedisBackend';
  readonly #options: ResolvedOptions;
  readonly #source: ConnectionSource;
  readonly #connection: Connection;
  readonly #opened = new Set<RedisSharedBackend>();
  readonly #reports = new Set<BackendContext['report']>();
  /** Kept for the caches that will open the backend. */
  #lastProblem: BackendProblem | undefined;

  /** @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work */
  constructor(options: RedisBackendOptions = {}) {
    this.#options = resolveOptions(options);
    this.#source = sourceFor(options);
    this.#connection = new Connection(this.#source, this.#options, (operation, error) => {
      this.#report({ operation, error });
    });
    this.#connection.onState((state) => {
      if (state === 'up') this.#lastProblem = undefined;
    });
    this.#connection.start();
  }

  /** One round trip. Any key; use it only for keys of your own, not for those of a cache. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const reply = await this.#connection.send({ key, args: ['GET', key], reply: 'bytes' });
    return reply instanceof Uint8Array ? reply : undefined;
  }

  /** One round trip. @param ttlMs whole milliseconds, at least 1 */
  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) {
      throw new CacheConfigError(
        'RedisBackend.set needs ttlMs as a whole number of milliseconds, at least 1; ' +
          `got ${String(ttlMs)}.`,
      );
    }
    await this.#connection.send({
      key,
      args: ['SET', key, toArgument(bytes), 'PX', String(ttlMs)],
      write: true,
    });
  }

  /** One round trip. Also works when Redis is out of memory. */
  async delete(key: string): Promise<void> {
    await this.#connection.send({ key, args: ['UNLINK', key], write: true });
  }

  openShared(context: BackendContext): SharedBackend {
    this.#reports.add(context.report);
    if (this.#lastProblem !== undefined) context.report(this.#lastProblem);
    const opened = new RedisSharedBackend(context, {
      connection: this.#connection,
      noticesKept: this.#options.noticesKept,
      dedicated: (stream) =>
        new Connection(
          this.#source.dedicated(stream),
          { ...this.#options, blocking: true },
          this.#reportOfReader(context),
        ),
      onClose: (closed) => {
        this.#opened.delete(closed);
        this.#reports.delete(context.report);
      },
    });
    this.#opened.add(opened);
    return opened;
  }

  status(): RedisBackendStatus {
    const { state, connects, lastError } = this.#connection;
    return {
      state,
      connects,
      lastError:
        lastError === undefined ? undefined : redact(lastError.message, this.#options.secrets),
    };
  }

  /** Ends what this backend opened; a client that was given stays as it is. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened].map((opened) => opened.close()));
    this.#connection.close();
  }

  /** Reports nothing while commands fail as well, and the same error once a minute. */
  #reportOfReader(context: BackendContext): (operation: string, error: Error) => void {
    let lastMessage = '';
    let lastAt = -Infinity;
    return (_operation, error) => {
      if (
        !this.#connection.connected ||
        (error.message === lastMessage && performance.now() - lastAt < REPORT_INTERVAL_MS)
      )
        return;
      lastMessage = error.message;
      lastAt = performance.now();
      context.report({ operation: 'listen', error: this.#clean(error) });
    };
  }

  #report(problem: BackendProblem): void {
    const cleaned: BackendProblem = {
      operation: problem.operation,
      error: this.#clean(problem.error),
    };
    this.#lastProblem = cleaned;
    for (const report of this.#reports) report(cleaned);
  }

  /** Without cause and stack: both may contain the address with the password. */
  #clean(error: Error): Error {
    const clean = new Error(
      'Redis is away, the cache goes on without it and keeps trying: ' +
        redact(error.message, this.#options.secrets),
    );
    clean.name = error.name;
    return clean;
  }
}
