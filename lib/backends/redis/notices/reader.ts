import { BackendError } from '../../../ports/errors.js';
import type { Notice } from '../../../ports/shared-backend.js';
import type { Connection } from '../connection/connection.js';
import { asError } from '../connection/errors.js';
import { CancellableDelay } from '../connection/delay.js';
import { HELLO_BODY, parseBody, parseStream, type StreamEntry } from './message.js';

/*
 * Reads what other users of the namespace changed. The stream is transport, replay log and proof of
 * life in one:
 * - each entry names the one before it; an entry that names another than the last one that was read
 *   means that some are missing: a gap;
 * - each blocking read that returns proves that nothing more had been published when the server
 *   looked, which is after the read was sent;
 * - when nothing came, the entry at our position must still be there, or the stream was lost or
 *   cut: a gap. `isCoherent` is true only while such a proof is recent. Guarded by reader.spec.ts.
 */

/** One blocking read, in ms. */
const BLOCK_MS = 1_000;
/** How long a proof holds, in ms. */
const PROOF_MS = 2_500;
const MAX_ENTRIES = 500;
const GAP_INTERVAL_MS = 1_000;
const REPORT_INTERVAL_MS = 60_000;

const UNREADABLE = {
  newer: 'a notice of a newer version was not understood',
  garbage: 'a notice could not be read',
  everything: 'a change has names that are too long for a notice',
} as const;

export interface NoticeReaderParts {
  readonly stream: string;
  readonly sender: string;
  /** A connection of its own, because its reads block. */
  readonly connection: Connection;
  /** Publishes notices on the connection for commands. @returns the id of the last one */
  readonly publish: (bodies: readonly string[]) => Promise<unknown>;
  readonly report: (operation: string, error: Error) => void;
}

export class NoticeReader {
  readonly #listeners = new Set<(notice: Notice) => void>();
  #running = false;
  #closed = false;
  #position: string | undefined;
  #provenUntil = -Infinity;
  /** Why notices may be missing, until the listeners have been notified. */
  #missing: string | undefined = 'reading has just begun';
  #gapAt = -Infinity;
  #reportedAt = -Infinity;
  /** The next read does not block. */
  #skipBlock = true;
  readonly #delay = new CancellableDelay();

  constructor(private readonly parts: NoticeReaderParts) {}

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#running && !this.#closed) {
      this.#running = true;
      this.parts.connection.onState((state) => {
        if (state === 'down') this.#provenUntil = -Infinity;
        this.#delay.cancel();
      });
      this.parts.connection.start();
      void this.#readAll();
    }
    return () => this.#listeners.delete(listener);
  }

  isCoherent(): boolean {
    return performance.now() < this.#provenUntil;
  }

  close(): void {
    this.#closed = true;
    this.#provenUntil = -Infinity;
    this.#delay.cancel();
    this.parts.connection.close();
    this.#listeners.clear();
  }

  async #readAll(): Promise<void> {
    while (!this.#isClosed()) {
      try {
        if (!this.parts.connection.connected) {
          this.#skipBlock = true;
          await this.#delay.wait(250);
          continue;
        }
        this.#position ??= await this.#announce();
        await this.#readOnce(this.#position);
      } catch (error) {
        this.#skipBlock = true;
        if (this.#isClosed()) return;
        // a connection that is down is reported by itself
        if (error instanceof BackendError && error.code === 'CACHE_BACKEND_FAILED')
          this.#reportLimited(error);
        await this.#delay.wait(250);
      }
    }
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  /** Publishes a first entry of our own: reading starts at its position. */
  async #announce(): Promise<string> {
    const id = await this.parts.publish([HELLO_BODY]);
    if (typeof id !== 'string') throw new Error('the notice stream returned no position.');
    return id;
  }

  async #readOnce(position: string): Promise<void> {
    const block = this.#skipBlock ? [] : ['BLOCK', String(BLOCK_MS)];
    const sentAt = performance.now();
    const { connection, stream } = this.parts;
    // replies of a replica prove nothing: it may lag, or be cut off and stay silent for ever. A
    // server ends blocking reads when it becomes one.
    const isMaster = connection.checkRole();
    const read = connection.send({
      key: stream,
      args: ['XREAD', 'COUNT', String(MAX_ENTRIES), ...block, 'STREAMS', stream, position],
      ...(this.#skipBlock ? {} : { holdMs: BLOCK_MS }),
    });
    const [reply] = await Promise.all([read, isMaster]);
    const entries = parseStream(reply);
    if (entries.length > 0) {
      for (const entry of entries) this.#onEntry(entry);
      // a full reply may have left some behind
      if (entries.length < MAX_ENTRIES) this.#extendProof(sentAt);
      else this.#skipBlock = true;
      return;
    }
    const waited = this.#skipBlock ? 0 : BLOCK_MS * 0.9;
    if (await this.#isStillThere(position)) {
      this.#skipBlock = false;
      this.#extendProof(sentAt + waited);
    } else {
      this.#position = undefined;
      this.#markGap('the notice stream was lost or cut');
    }
  }

  async #isStillThere(position: string): Promise<boolean> {
    const reply = await this.parts.connection.send({
      key: this.parts.stream,
      args: ['XRANGE', this.parts.stream, position, position],
    });
    return Array.isArray(reply) && reply.length > 0;
  }

  #onEntry(entry: StreamEntry): void {
    if (entry.before !== this.#position) this.#markGap('notices are missing');
    this.#position = entry.id;
    const notice = parseBody(entry.body);
    const own = entry.sender === this.parts.sender;
    if (typeof notice !== 'string') {
      if (!own || notice.kind === 'released') this.#emit(notice);
    } else if (notice !== 'hello' && !own) {
      this.#markGap(UNREADABLE[notice]);
      if (notice === 'garbage')
        this.#reportLimited(new Error('A notice cannot be read, so L1 is emptied.'));
    }
  }

  #markGap(reason: string): void {
    this.#missing ??= reason;
    this.#provenUntil = -Infinity;
  }

  /**
   * All that was published before `moment` has been read. A gap until now is reported first, but
   * not more than once a second.
   */
  #extendProof(moment: number): void {
    if (this.#missing !== undefined) {
      if (performance.now() - this.#gapAt < GAP_INTERVAL_MS) {
        this.#skipBlock = false;
        return;
      }
      const reason = this.#missing;
      this.#missing = undefined;
      this.#gapAt = performance.now();
      this.#emit({ kind: 'gap', reason });
    }
    this.#provenUntil = Math.max(this.#provenUntil, moment + PROOF_MS);
    this.#skipBlock = false;
  }

  #emit(notice: Notice): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(notice);
      } catch (error) {
        this.parts.report('listen', asError(error));
      }
    }
  }

  #reportLimited(error: Error): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.parts.report('listen', error);
  }
}
