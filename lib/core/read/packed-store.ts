import type { Payload } from '../../ports/codec.js';
import type { Entry, Envelope } from '../../ports/entry.js';
import type {
  Acquired,
  AcquireRequest,
  SharedBackend,
  GroupInvalidation,
  Notice,
  ReadRequest,
  Reading,
  ScopeGroups,
  ScopeReading,
  BackendState,
} from '../../ports/shared-backend.js';

/** A shared store of payloads, seen as a store of entries: packs on the way in, unpacks on the way out. What cannot be unpacked is no entry. */
export class PackedStore implements SharedBackend<Entry> {
  constructor(
    readonly inner: SharedBackend<Payload>,
    readonly envelope: Envelope,
    /** Told of stored bytes that are no entry. */
    readonly corrupt: (key: string, error: unknown) => void,
  ) {}

  now(): number {
    return this.inner.now();
  }

  get state(): BackendState {
    return this.inner.state;
  }

  onState(listener: (state: BackendState) => void): () => void {
    return this.inner.onState(listener);
  }

  read(request: ReadRequest, timeoutMs?: number): Promise<Reading<Entry>> {
    return this.inner.read(request, timeoutMs).then(({ stored, scopes, lease }) => ({
      stored: this.#unpack(request.key, stored),
      scopes,
      lease,
    }));
  }

  async acquire(request: AcquireRequest<Entry>, timeoutMs?: number): Promise<Acquired<Entry>> {
    let seen =
      request.seen === undefined
        ? undefined
        : (request.seen.packed ?? this.envelope.pack(request.seen));
    // A second round only when the bytes in the way are no entry: they are then what has been seen.
    for (let tries = 0; ; tries++) {
      const acquired = await this.inner.acquire({ ...request, seen }, timeoutMs);
      if (acquired.state !== 'found') return acquired;
      const stored = this.#unpack(request.key, acquired.stored);
      if (stored !== undefined) return { state: 'found', stored };
      if (tries > 3) return { state: 'held', lease: '', remainingMs: 0 };
      seen = acquired.stored;
    }
  }

  renew(key: string, lease: string, leaseMs: number): Promise<boolean> {
    return this.inner.renew(key, lease, leaseMs);
  }

  release(key: string, lease: string): Promise<void> {
    return this.inner.release(key, lease);
  }

  fill(key: string, lease: string, stored: Entry, ttlMs: number): Promise<boolean> {
    return this.inner.fill(key, lease, this.envelope.pack(stored), ttlMs);
  }

  set(key: string, stored: Entry, ttlMs: number, lease?: string): Promise<boolean> {
    return this.inner.set(key, this.envelope.pack(stored), ttlMs, lease);
  }

  delete(keys: readonly string[], settleMs: number): Promise<void> {
    return this.inner.delete(keys, settleMs);
  }

  ensure(
    scopes: readonly ScopeGroups[],
    keepMs: number,
    timeoutMs?: number,
  ): Promise<readonly ScopeReading[]> {
    return this.inner.ensure(scopes, keepMs, timeoutMs);
  }

  invalidate(invalidation: GroupInvalidation): Promise<number> {
    return this.inner.invalidate(invalidation);
  }

  reclaim(scope: string, signal: AbortSignal): Promise<number> {
    return this.inner.reclaim(scope, signal);
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    return this.inner.subscribe(listener);
  }

  isCoherent(): boolean {
    return this.inner.isCoherent();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #unpack(key: string, payload: Payload | undefined): Entry | undefined {
    if (payload === undefined) return undefined;
    try {
      return this.envelope.unpack(payload);
    } catch (error) {
      this.corrupt(key, error);
      return undefined;
    }
  }
}
