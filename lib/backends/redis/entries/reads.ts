import type { Payload } from '../../../ports/codec.js';
import type { BackendError } from '../../../ports/errors.js';
import type {
  Marker,
  Reading,
  ReadRequest,
  ScopeGroups,
  ScopeReading,
} from '../../../ports/shared-backend.js';
import type { Connection } from '../connection/connection.js';
import { withDeadline } from '../connection/deadline.js';
import { toBackendError, tooLate } from '../connection/errors.js';
import { parseMarker, parseTick } from './marker-text.js';
import { hashTag, type Names } from './redis-keys.js';
import { isTorn, preferText } from './payload.js';
import type { ReplyKind } from '../connection/client-adapter.js';

/*
 * Reads of one tick travel as one MGET in which each marker appears once; a value comes together with all that is needed to judge it. Large values
 * gain nothing from travelling together (the first waits for the last), so the number of values in a batch follows their mean size.
 */

const MOST_KEYS = 128;
const BATCH_BYTES = 128 * 1024;
const LARGE_BYTES = 16 * 1024;
type Slot = string | Uint8Array | null | BackendError;

interface Waiting {
  readonly request: ReadRequest;
  readonly timeoutMs: number;
  readonly value: number;
  readonly lease: number;
  readonly groups: Groups;
  readonly resolve: (reading: Reading<Payload>) => void;
  readonly reject: (error: Error) => void;
}

/** Clock and markers that requests ask for. */
interface Groups {
  /** Positions of clock and markers, scope after scope. */
  readonly positions: readonly number[];
  /** Their answer: the same for all who ask by the same object. */
  reading: readonly ScopeReading[] | BackendError | undefined;
}

interface ScopePositions {
  readonly clock: number;
  readonly markers: Map<string, number>;
}

class Batch {
  readonly keys: string[] = [];
  readonly waiting: Waiting[] = [];
  /** How long the most patient of them waits. */
  timeoutMs = 0;
  readonly #scopes = new Map<string, ScopePositions>();
  readonly #groups = new Map<readonly ScopeGroups[], Groups>();

  constructor(private readonly names: Names) {}

  groups(scopes: readonly ScopeGroups[]): Groups {
    let known = this.#groups.get(scopes);
    if (known === undefined) {
      const positions: number[] = [];
      for (const scope of scopes) this.#place(scope, positions);
      known = { positions, reading: undefined };
      this.#groups.set(scopes, known);
    }
    return known;
  }

  /** Positions of the clock and the markers, each of which is in the batch once. Names are only built the first time. */
  #place({ scope, groups }: ScopeGroups, positions: number[]): void {
    let known = this.#scopes.get(scope);
    if (known === undefined) {
      known = { clock: this.add(this.names.clock(scope)), markers: new Map() };
      this.#scopes.set(scope, known);
    }
    positions.push(known.clock);
    for (const group of groups) {
      let position = known.markers.get(group);
      if (position === undefined) {
        position = this.add(this.names.marker(scope, group));
        known.markers.set(group, position);
      }
      positions.push(position);
    }
  }

  add(key: string): number {
    return this.keys.push(key) - 1;
  }
}

export class BatchedReads {
  readonly #open: Record<ReplyKind, Batch | undefined> = { text: undefined, bytes: undefined };
  #meanBytes = 256;

  constructor(
    private readonly connection: Connection,
    private readonly names: Names,
  ) {}

  /** One round trip, shared with the other reads of this tick. */
  read(request: ReadRequest, timeoutMs = Infinity): Promise<Reading<Payload>> {
    const reading = new Promise<Reading<Payload>>((resolve, reject) => {
      this.#enqueue(request, timeoutMs, resolve, reject);
    });
    if (timeoutMs >= this.connection.commandTimeout) return reading;
    return withDeadline(reading, timeoutMs, () => tooLate('read', timeoutMs, false));
  }

  #enqueue(
    request: ReadRequest,
    timeoutMs: number,
    resolve: Waiting['resolve'],
    reject: Waiting['reject'],
    asBytes = false,
  ): void {
    // the client puts long texts together from pieces: as bytes they arrive faster, also when they are made text afterwards
    const kind: ReplyKind =
      request.text && !asBytes && this.#meanBytes < LARGE_BYTES ? 'text' : 'bytes';
    let batch = this.#open[kind];
    if (batch === undefined) {
      const opened = new Batch(this.names);
      batch = this.#open[kind] = opened;
      queueMicrotask(() => {
        this.#close(kind, opened);
      });
    }
    const groups = batch.groups(request.scopes);
    const value = batch.add(this.names.value(request.key));
    const lease = request.withLease ? batch.add(this.names.lease(request.key)) : -1;
    if (timeoutMs > batch.timeoutMs) batch.timeoutMs = timeoutMs;
    batch.waiting.push({ request, timeoutMs, value, lease, groups, resolve, reject });
    if (
      batch.keys.length >= MOST_KEYS ||
      (batch.waiting.length + 1) * this.#meanBytes > BATCH_BYTES
    )
      this.#close(kind, batch);
  }

  #close(kind: ReplyKind, batch: Batch): void {
    if (this.#open[kind] === batch) this.#open[kind] = undefined;
    else if (batch.waiting.length === 0) return;
    const waiting = batch.waiting.splice(0);
    this.#fetch(batch.keys, kind, batch.timeoutMs).then(
      (slots) => {
        const markers = new Array<Marker | undefined>(slots.length);
        const parsed = new Uint8Array(slots.length);
        for (const one of waiting) this.#answer(one, slots, markers, parsed);
      },
      (error: unknown) => {
        const failure = toBackendError(error, 'read', false);
        for (const one of waiting) one.reject(failure);
      },
    );
  }

  #answer(
    one: Waiting,
    slots: readonly Slot[],
    markers: (Marker | undefined)[],
    parsed: Uint8Array,
  ): void {
    const { request, groups } = one;
    const scopes = (groups.reading ??= readingOf(
      request.scopes,
      groups.positions,
      slots,
      markers,
      parsed,
    ));
    if (scopes instanceof Error) {
      one.reject(scopes);
      return;
    }
    const stored = slots[one.value];
    const lease = one.lease < 0 ? null : slots[one.lease];
    if (stored instanceof Error || lease instanceof Error) {
      one.reject(stored instanceof Error ? stored : (lease as BackendError));
      return;
    }
    if (stored !== null && stored !== undefined)
      this.#meanBytes += (stored.length - this.#meanBytes) / 32;
    if (typeof stored === 'string' && isTorn(stored)) {
      // perhaps bytes that are no text: read once more as what they are, with the markers of then
      this.#enqueue(request, one.timeoutMs, one.resolve, one.reject, true);
      return;
    }
    one.resolve({
      stored: request.text ? preferText(stored ?? undefined) : (stored ?? undefined),
      scopes,
      lease: asText(lease),
    });
  }

  async #fetch(
    keys: readonly string[],
    reply: ReplyKind,
    timeoutMs: number,
  ): Promise<readonly Slot[]> {
    const [first = ''] = keys;
    // not less than the deadline of a command, so that a read that misses it still tells of the link
    const how = {
      name: 'read',
      reply,
      ...(timeoutMs === Infinity
        ? {}
        : { timeoutMs: Math.max(timeoutMs, this.connection.commandTimeout) }),
    };
    if (this.connection.kind !== 'cluster') {
      return (await this.connection.run({ key: first, args: ['MGET', ...keys], ...how })) as Slot[];
    }
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
          const replies = (await this.connection.run({
            key: names[0] ?? '',
            args: ['MGET', ...names],
            ...how,
          })) as Slot[];
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
  if (typeof slot === 'string') return slot;
  return slot instanceof Uint8Array
    ? Buffer.from(slot.buffer, slot.byteOffset, slot.byteLength).toString('utf8')
    : undefined;
}
