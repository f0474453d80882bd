import type { BackendError } from '../../../ports/errors.js';
import type { Marker, ScopeGroups, ScopeReading } from '../../../ports/groups.js';
import type { Reading, ReadRequest } from '../../../ports/shared-backend.js';
import type { Millis } from '../../../ports/time.js';
import type { ReplyKind } from '../connection/client-adapter.js';
import { toBackendError } from '../connection/errors.js';
import { commandDeadline, type NamespaceParts, rejectLate } from './batch.js';
import { parseMarker, parseTick } from './markers.js';
import { asTextIfUtf8, isNotUtf8, toText } from './payload.js';
import type { OversizedValues } from './oversized.js';
import { hashTag, type RedisKeys } from './redis-keys.js';

/*
 * Reads of one tick travel as one MGET in which each marker appears once, so that a value comes
 * together with all that is needed to judge it. Large values gain nothing from travelling together
 * (the first waits for the last), so the number of values in a batch follows their mean size.
 */

const MAX_KEYS = 128;
const MAX_BATCH_BYTES = 128 * 1024;
const LARGE_BYTES = 16 * 1024;
/** Deadlines that differ by less count as the same. */
const SAME_DEADLINE_MS = 5;

type Slot = string | Uint8Array | null | BackendError;

/** What is known about the requests that are sent in one tick. */
export interface Tick {
  /** Keys whose lease was requested once more, after the reads of the tick. */
  repeatedLeases: Set<string> | undefined;
}

/** Clock and markers that requests ask for. */
interface Groups {
  /** Positions of clock and markers, scope after scope. */
  readonly positions: readonly number[];
  /** Their answer: the same for all requests with the same object. */
  reading: readonly ScopeReading[] | BackendError | undefined;
}

interface ScopePositions {
  readonly clock: number;
  readonly markers: Map<string, number>;
}

class PendingRead {
  readonly promise: Promise<Reading>;
  resolve: (reading: Reading) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  /** Positions in the batch that it is in. */
  value = -1;
  lease = -1;
  groups: Groups | undefined;

  constructor(
    readonly request: ReadRequest,
    readonly timeoutMs: Millis,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  answers(request: ReadRequest, timeoutMs: Millis): boolean {
    return (
      this.request.scopes === request.scopes &&
      this.request.withLease === request.withLease &&
      this.request.text === request.text &&
      (this.timeoutMs === timeoutMs || Math.abs(this.timeoutMs - timeoutMs) < SAME_DEADLINE_MS)
    );
  }
}

class ReadBatch {
  readonly keys: string[] = [];
  readonly reads: PendingRead[] = [];
  readonly #byKey = new Map<string, PendingRead>();
  readonly #scopes = new Map<string, ScopePositions>();
  readonly #groups = new Map<readonly ScopeGroups[], Groups>();

  constructor(private readonly names: RedisKeys) {}

  find(request: ReadRequest, timeoutMs: Millis): PendingRead | undefined {
    const known = this.#byKey.get(request.key);
    return known?.answers(request, timeoutMs) === true ? known : undefined;
  }

  add(read: PendingRead): void {
    const { key, scopes, withLease } = read.request;
    read.value = this.#addKey(this.names.value(key));
    read.lease = withLease ? this.#addKey(this.names.lease(key)) : -1;
    read.groups = this.#groupsOf(scopes);
    this.reads.push(read);
    this.#byKey.set(key, read);
  }

  #groupsOf(scopes: readonly ScopeGroups[]): Groups {
    let known = this.#groups.get(scopes);
    if (known === undefined) {
      const positions: number[] = [];
      for (const scope of scopes) this.#addScope(scope, positions);
      known = { positions, reading: undefined };
      this.#groups.set(scopes, known);
    }
    return known;
  }

  /** Each clock and marker is in the batch once. Names are only built the first time. */
  #addScope({ scope, groups }: ScopeGroups, positions: number[]): void {
    let known = this.#scopes.get(scope);
    if (known === undefined) {
      known = { clock: this.#addKey(this.names.clock(scope)), markers: new Map() };
      this.#scopes.set(scope, known);
    }
    positions.push(known.clock);
    for (const group of groups) {
      let position = known.markers.get(group);
      if (position === undefined) {
        position = this.#addKey(this.names.marker(scope, group));
        known.markers.set(group, position);
      }
      positions.push(position);
    }
  }

  #addKey(key: string): number {
    return this.keys.push(key) - 1;
  }
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
    const { commandTimeout } = this.parts.connection;
    const cancel = rejectLate(batch.reads, commandTimeout, 'read');
    this.#fetch(batch.keys, kind, commandDeadline(batch.reads, commandTimeout)).then(
      (slots) => {
        cancel();
        const markers = new Array<Marker | undefined>(slots.length);
        const parsed = new Uint8Array(slots.length);
        for (const read of batch.reads) {
          // what it found is older than the lease
          if (tick.repeatedLeases?.has(read.request.key) === true) this.#enqueue(read, kind);
          else this.#answer(read, slots, markers, parsed);
        }
      },
      (error: unknown) => {
        cancel();
        const failure = toBackendError(error, 'read', false);
        this.oversized.suspect(batch.reads.map(({ request }) => request.key));
        for (const read of batch.reads) read.reject(failure);
      },
    );
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

  async #fetch(
    keys: readonly string[],
    reply: ReplyKind,
    timeoutMs: Millis | undefined,
  ): Promise<readonly Slot[]> {
    const { connection } = this.parts;
    const how = { name: 'read', reply, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const mget = (names: readonly string[]): Promise<Slot[]> =>
      connection.send({ key: names[0] ?? '', args: ['MGET', ...names], ...how }) as Promise<Slot[]>;
    if (connection.kind !== 'cluster') return mget(keys);
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
        try {
          const replies = await mget(positions.map((position) => keys[position] ?? ''));
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

function readingOf(
  request: readonly ScopeGroups[],
  positions: readonly number[],
  slots: readonly Slot[],
  markers: (Marker | undefined)[],
  parsed: Uint8Array,
): readonly ScopeReading[] | BackendError {
  const scopes: ScopeReading[] = [];
  let next = 0;
  for (const { groups } of request) {
    const clock = slots[positions[next++] ?? -1];
    if (clock instanceof Error) return clock;
    const found: (Marker | undefined)[] = [];
    for (let i = 0; i < groups.length; i++) {
      const at = positions[next++] ?? -1;
      if (parsed[at] === 0) {
        parsed[at] = 1;
        markers[at] = parseMarker(asText(slots[at]));
      }
      found.push(markers[at]);
    }
    scopes.push({ clock: parseTick(asText(clock)), markers: found });
  }
  return scopes;
}

function asText(slot: Slot | undefined): string | undefined {
  return typeof slot === 'string' || slot instanceof Uint8Array ? toText(slot) : undefined;
}
