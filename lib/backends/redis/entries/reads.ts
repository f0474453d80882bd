import type { Marker } from '../../../ports/groups.js';
import type { Reading, ReadRequest } from '../../../ports/shared-backend.js';
import type { Millis } from '../../../ports/time.js';
import type { Command, ReplyKind } from '../connection/client-adapter.js';
import { toBackendError } from '../connection/errors.js';
import { commandDeadline, type NamespaceParts, rejectLate } from './batch.js';
import { asTextIfUtf8, isNotUtf8 } from './payload.js';
import type { OversizedValues } from './oversized.js';
import { asText, PendingRead, ReadBatch, readingOf, type Slot } from './read-batch.js';
import { hashTag } from './redis-keys.js';

/*
 * Reads of one tick travel as one MGET in which each marker appears once, so that a value comes
 * together with all that is needed to judge it. Large values gain nothing from travelling together
 * (the first waits for the last), so the number of values in a batch follows their mean size.
 */

const MAX_KEYS = 128;
const MAX_BATCH_BYTES = 128 * 1024;
const LARGE_BYTES = 16 * 1024;

/** What is known about the requests that are sent in one tick. */
export interface Tick {
  /** Keys whose lease was requested once more, after the reads of the tick. */
  repeatedLeases: Set<string> | undefined;
}

export class BatchedReads {
  readonly #open: Record<ReplyKind, ReadBatch | undefined> = { text: undefined, bytes: undefined };
  #meanBytes = 256;

  constructor(
    private readonly parts: Pick<NamespaceParts, 'connection' | 'names'>,
    /** Has `sendAll` called at the end of the tick. */
    private readonly schedule: () => void,
    /** Sends what has to be sent before reads. */
    private readonly beforeReads: () => Tick,
    private readonly oversized: OversizedValues,
  ) {}

  /** Requests of a tick that ask for exactly the same share a promise. */
  read(request: ReadRequest, timeoutMs: Millis = Infinity): Promise<Reading> {
    const checking = this.oversized.checkFirst(request.key);
    if (checking !== undefined) return checking.then(() => this.read(request, timeoutMs));
    // the client joins the pieces of a long text: as bytes they arrive faster, also when they are
    // made text afterwards
    const kind = request.text && this.#meanBytes < LARGE_BYTES ? 'text' : 'bytes';
    const deadline = timeoutMs >= this.parts.connection.commandTimeout ? Infinity : timeoutMs;
    const same = this.#open[kind]?.find(request, deadline);
    if (same !== undefined) return same.promise;
    const read = new PendingRead(request, deadline);
    this.#enqueue(read, kind);
    return read.promise;
  }

  sendAll(): void {
    this.#send('text');
    this.#send('bytes');
  }

  #enqueue(read: PendingRead, kind: ReplyKind): void {
    const batch = (this.#open[kind] ??= new ReadBatch(this.parts.names));
    batch.add(read);
    const isFull =
      batch.keys.length >= MAX_KEYS || (batch.reads.length + 1) * this.#meanBytes > MAX_BATCH_BYTES;
    if (isFull) this.#send(kind);
    else this.schedule();
  }

  #send(kind: ReplyKind): void {
    const batch = this.#open[kind];
    if (batch === undefined) return;
    this.#open[kind] = undefined;
    const tick = this.beforeReads();
    const { connection } = this.parts;
    const { commandTimeout } = connection;
    const cancel = rejectLate(batch.reads, commandTimeout, 'read');
    const { resolve, reject } = {
      resolve: (slots: readonly Slot[]) => {
        cancel();
        const markers = new Array<Marker | undefined>(slots.length);
        const parsed = new Uint8Array(slots.length);
        for (const read of batch.reads) {
          // what it found is older than the lease
          if (tick.repeatedLeases?.has(read.request.key) === true) this.#enqueue(read, kind);
          else this.#answer(read, slots, markers, parsed);
        }
      },
      reject: (error: unknown) => {
        cancel();
        const failure = toBackendError(error, 'read', false);
        this.oversized.suspect(batch.reads.map(({ request }) => request.key));
        for (const read of batch.reads) read.reject(failure);
      },
    };
    const timeoutMs = commandDeadline(batch.reads, commandTimeout);
    const how = { name: 'read', reply: kind, timeoutMs };
    if (connection.kind === 'cluster') this.#fetchParts(batch.keys, how).then(resolve, reject);
    else {
      const onReply = { resolve: resolve as (reply: unknown) => void, reject };
      connection.sendTo(onReply, mget(batch.keys, how));
    }
  }

  #answer(
    read: PendingRead,
    slots: readonly Slot[],
    markers: (Marker | undefined)[],
    parsed: Uint8Array,
  ): void {
    const { request, groups = { positions: [], reading: [] } } = read;
    const scopes = (groups.reading ??= readingOf(
      request.scopes,
      groups.positions,
      slots,
      markers,
      parsed,
    ));
    const stored = slots[read.value];
    const lease = read.lease < 0 ? null : slots[read.lease];
    if (scopes instanceof Error) read.reject(scopes);
    else if (stored instanceof Error) read.reject(stored);
    else if (lease instanceof Error) read.reject(lease);
    else {
      if (stored !== null && stored !== undefined)
        this.#meanBytes += (stored.length - this.#meanBytes) / 32;
      if (stored !== null && stored !== undefined && stored.length > this.oversized.maxBytes)
        this.oversized.suspect([request.key]);
      // perhaps it is not text: it is read once more as bytes, with the markers of then
      if (typeof stored === 'string' && isNotUtf8(stored)) this.#enqueue(read, 'bytes');
      else
        read.resolve({
          stored: request.text ? asTextIfUtf8(stored ?? undefined) : (stored ?? undefined),
          scopes,
          lease: asText(lease),
        });
    }
  }

  /** In a cluster each slot has a command of its own. */
  async #fetchParts(keys: readonly string[], how: HowToRead): Promise<readonly Slot[]> {
    const slots = new Array<Slot>(keys.length).fill(null);
    const parts = new Map<string, number[]>();
    keys.forEach((key, position) => {
      const tag = hashTag(key);
      const part = parts.get(tag);
      if (part === undefined) parts.set(tag, [position]);
      else part.push(position);
    });
    await Promise.all(
      [...parts.values()].map(async (positions) => {
        const names = positions.map((position) => keys[position] ?? '');
        try {
          const replies = (await this.parts.connection.send(mget(names, how))) as Slot[];
          positions.forEach((position, i) => (slots[position] = replies[i] ?? null));
        } catch (error) {
          // only the reads that need this part fail
          for (const position of positions) slots[position] = toBackendError(error, 'read', false);
        }
      }),
    );
    return slots;
  }
}

type HowToRead = Pick<Command, 'name' | 'reply' | 'timeoutMs'>;

function mget(keys: readonly string[], how: HowToRead): Command {
  return { key: keys[0] ?? '', args: ['MGET', ...keys], ...how };
}
