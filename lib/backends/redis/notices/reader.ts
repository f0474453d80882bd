import { BackendError } from '../../../ports/errors.js';
import type { Notice } from '../../../ports/shared-backend.js';
import type { Connection } from '../connection/connection.js';
import { asError } from '../connection/errors.js';
import { Pause } from '../connection/delay.js';
import { parseStream, type StreamEntry } from './stream-reply.js';
import { type Heard, HELLO_BODY, parseBody } from './message.js';

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
const MOST_ENTRIES = 500;
const GAPS_APART_MS = 1_000;
const REPORTS_APART_MS = 60_000;

const UNSAID = {
  newer: 'a notice of a newer version was not understood',
  garbage: 'a notice could not be read',
  anything: 'a change has names too long to be told',
} as const;

export interface NoticeParts {
  readonly stream: string;
  readonly sender: string;
  /** A link of its own, because its reads block. */
  readonly link: Connection;
  /** Writes notices (with the id of the last one as answer) on the command link. */
  readonly tell: (bodies: readonly string[]) => Promise<unknown>;
  readonly report: (during: string, error: Error) => void;
}

export class Notices {
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
  #impatient = true;
  readonly #pause = new Pause();

  constructor(private readonly parts: NoticeParts) {}

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#running && !this.#closed) {
      this.#running = true;
      this.parts.link.onState((state) => {
        if (state === 'down') this.#provenUntil = -Infinity;
        this.#pause.wake();
      });
      this.parts.link.start();
      void this.#listen();
    }
    return () => this.#listeners.delete(listener);
  }

  hearing(): boolean {
    return performance.now() < this.#provenUntil;
  }

  close(): void {
    this.#closed = true;
    this.#provenUntil = -Infinity;
    this.#pause.wake();
    this.parts.link.close();
    this.#listeners.clear();
  }

  async #listen(): Promise<void> {
    while (!this.#isClosed()) {
      try {
        if (!this.parts.link.connected) {
          this.#impatient = true;
          await this.#pause.wait(250);
          continue;
        }
        this.#position ??= await this.#hello();
        await this.#readOnce(this.#position);
      } catch (error) {
        this.#impatient = true;
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
  async #hello(): Promise<string> {
    const id = await this.parts.tell([HELLO_BODY]);
    if (typeof id !== 'string') throw new Error('the notice stream gave no position.');
    return id;
  }

  async #readOnce(position: string): Promise<void> {
    const block = this.#impatient ? [] : ['BLOCK', String(BLOCK_MS)];
    const sentAt = performance.now();
    const { link, stream } = this.parts;
    // what a replica says proves nothing: it may lag, or be cut off and stay silent for ever. A server ends the reads that wait when it becomes one.
    const isMaster = link.checkRole();
    const read = link.run({
      key: stream,
      args: ['XREAD', 'COUNT', String(MOST_ENTRIES), ...block, 'STREAMS', stream, position],
      ...(this.#impatient ? {} : { holdMs: BLOCK_MS }),
    });
    const [reply] = await Promise.all([read, isMaster]);
    const entries = parseStream(reply);
    if (entries.length > 0) {
      for (const entry of entries) this.#hear(entry);
      // a full answer may have left some behind
      if (entries.length < MOST_ENTRIES) this.#prove(sentAt);
      else this.#impatient = true;
      return;
    }
    const waited = this.#impatient ? 0 : BLOCK_MS * 0.9;
    if (await this.#isStillThere(position)) {
      this.#impatient = false;
      this.#prove(sentAt + waited);
    } else {
      this.#position = undefined;
      this.#lose('the notice stream was lost or cut');
    }
  }

  async #isStillThere(position: string): Promise<boolean> {
    const reply = await this.parts.link.run({
      key: this.parts.stream,
      args: ['XRANGE', this.parts.stream, position, position],
    });
    return Array.isArray(reply) && reply.length > 0;
  }

  #hear(entry: StreamEntry): void {
    if (entry.before !== this.#position) this.#lose('notices are missing');
    this.#position = entry.id;
    const heard: Heard = parseBody(entry.body);
    const own = entry.sender === this.parts.sender;
    if (typeof heard !== 'string') {
      if (!own || heard.kind === 'released') this.#emit(heard);
    } else if (heard !== 'hello' && !own) {
      this.#lose(UNSAID[heard]);
      if (heard === 'garbage')
        this.#reportRarely(new Error('A notice cannot be read, so L1 is emptied.'));
    }
  }

  #lose(reason: string): void {
    this.#missing ??= reason;
    this.#provenUntil = -Infinity;
  }

  /** Everything said before `moment` has been heard. What was missed until now is told first, but not more than once a second. */
  #prove(moment: number): void {
    if (this.#missing !== undefined) {
      if (performance.now() - this.#gapAt < GAPS_APART_MS) {
        this.#impatient = false;
        return;
      }
      const reason = this.#missing;
      this.#missing = undefined;
      this.#gapAt = performance.now();
      this.#emit({ kind: 'gap', reason });
    }
    this.#provenUntil = Math.max(this.#provenUntil, moment + PROOF_MS);
    this.#impatient = false;
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
    if (now - this.#reportedAt < REPORTS_APART_MS) return;
    this.#reportedAt = now;
    this.parts.report('listen', error);
  }
}
