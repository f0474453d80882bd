import { BackendError } from '../../../ports/errors.js';
import type { Notice } from '../../../ports/shared-backend.js';
import type { Connection } from '../connection/connection.js';
import { asError } from '../connection/errors.js';
import { CancellableDelay } from '../connection/delay.js';
import { parseStream, type StreamEntry } from './stream-reply.js';
import { type ParsedNotice, HELLO_BODY, parseBody } from './message.js';

/*
 * Hears what other users of the namespace changed. The stream is transport, memory and proof of life in one:
 * - each entry names the one before it; an entry that names another than the last one heard means that some are missing: a gap;
 * - each blocking read that returns proves that nothing more had been said when the server looked, which is after the read was sent;
 * - when nothing came, the entry at our position must still be there, or the stream was lost or cut: a gap.
 * `hearing` is true only while such a proof is young. Guarded by notices.spec.ts.
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
  anything: 'a change has names too long to be told',
} as const;

export interface NoticeReaderParts {
  readonly stream: string;
  readonly sender: string;
  /** A link of its own, because its reads block. */
  readonly connection: Connection;
  /** Writes notices (with the id of the last one as answer) on the command link. */
  readonly publish: (bodies: readonly string[]) => Promise<unknown>;
  readonly report: (during: string, error: Error) => void;
}

export class NoticeReader {
  readonly #listeners = new Set<(notice: Notice) => void>();
  #running = false;
  #closed = false;
  #position: string | undefined;
  #provenUntil = -Infinity;
  /** Why notices may be missing, until the listeners have been told. */
  #missing: string | undefined = 'listening has just begun';
  #gapAt = -Infinity;
  #reportedAt = -Infinity;
  /** The next read looks at once instead of waiting. */
  #skipBlock = true;
  readonly #pause = new CancellableDelay();

  constructor(private readonly parts: NoticeReaderParts) {}

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#running && !this.#closed) {
      this.#running = true;
      this.parts.connection.onState((state) => {
        if (state === 'down') this.#provenUntil = -Infinity;
        this.#pause.cancel();
      });
      this.parts.connection.start();
      void this.#listen();
    }
    return () => this.#listeners.delete(listener);
  }

  isCoherent(): boolean {
    return performance.now() < this.#provenUntil;
  }

  close(): void {
    this.#closed = true;
    this.#provenUntil = -Infinity;
    this.#pause.cancel();
    this.parts.connection.close();
    this.#listeners.clear();
  }

  async #listen(): Promise<void> {
    while (!this.#isClosed()) {
      try {
        if (!this.parts.connection.connected) {
          this.#skipBlock = true;
          await this.#pause.wait(250);
          continue;
        }
        this.#position ??= await this.#announce();
        await this.#readOnce(this.#position);
      } catch (error) {
        this.#skipBlock = true;
        if (this.#isClosed()) return;
        // a link that is away is reported by itself
        if (error instanceof BackendError && error.code === 'CACHE_BACKEND_FAILED')
          this.#reportRarely(error);
        await this.#pause.wait(250);
      }
    }
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  /** A first entry of our own: from its place on, everything is heard. */
  async #announce(): Promise<string> {
    const id = await this.parts.publish([HELLO_BODY]);
    if (typeof id !== 'string') throw new Error('the notice stream gave no position.');
    return id;
  }

  async #readOnce(position: string): Promise<void> {
    const block = this.#skipBlock ? [] : ['BLOCK', String(BLOCK_MS)];
    const sentAt = performance.now();
    const { connection: link, stream } = this.parts;
    // what a replica says proves nothing: it may lag, or be cut off and stay silent for ever. A server ends the reads that wait when it becomes one.
    const isMaster = link.checkRole();
    const read = link.send({
      key: stream,
      args: ['XREAD', 'COUNT', String(MAX_ENTRIES), ...block, 'STREAMS', stream, position],
      ...(this.#skipBlock ? {} : { holdMs: BLOCK_MS }),
    });
    const [reply] = await Promise.all([read, isMaster]);
    const entries = parseStream(reply);
    if (entries.length > 0) {
      for (const entry of entries) this.#onEntry(entry);
      // a full answer may have left some behind
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
    const heard: ParsedNotice = parseBody(entry.body);
    const own = entry.sender === this.parts.sender;
    if (typeof heard !== 'string') {
      if (!own || heard.kind === 'released') this.#emit(heard);
    } else if (heard !== 'hello' && !own) {
      this.#markGap(UNREADABLE[heard]);
      if (heard === 'garbage')
        this.#reportRarely(new Error('A notice cannot be read, so L1 is emptied.'));
    }
  }

  #markGap(reason: string): void {
    this.#missing ??= reason;
    this.#provenUntil = -Infinity;
  }

  /** Everything said before `moment` has been heard. What was missed until now is told first, but not more than once a second. */
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

  #reportRarely(error: Error): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.parts.report('listen', error);
  }
}
