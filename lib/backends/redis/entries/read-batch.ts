import type { BackendError } from '../../../ports/errors.js';
import type { Marker, ScopeGroups, ScopeReading } from '../../../ports/groups.js';
import type { Reading, ReadRequest } from '../../../ports/shared-backend.js';
import type { Millis } from '../../../ports/time.js';
import { parseMarker, parseTick } from './markers.js';
import { toText } from './payload.js';
import type { RedisKeys } from './redis-keys.js';

/** Deadlines that differ by less count as the same. */
const SAME_DEADLINE_MS = 5;

export type Slot = string | Uint8Array | null | BackendError;

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

export class PendingRead {
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

export class ReadBatch {
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

/** Each marker of a batch is parsed once. */
export function readingOf(
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

export function asText(slot: Slot | undefined): string | undefined {
  return typeof slot === 'string' || slot instanceof Uint8Array ? toText(slot) : undefined;
}
