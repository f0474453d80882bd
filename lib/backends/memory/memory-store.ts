import type { BackendContext } from '../../ports/backend.js';
import type { Entry, Tick } from '../../ports/entry.js';
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
} from '../../ports/shared-backend.js';
import type { Space } from './namespace.js';

/**
 * The memory of this process as a fenced store. Every method has taken effect, and everyone has been told, when it returns its promise:
 * no two steps can interleave.
 */
export class MemoryStore implements SharedBackend<Entry> {
  readonly state: BackendState = 'up';
  readonly #ends = new Set<() => void>();

  constructor(
    readonly space: Space,
    readonly context: BackendContext,
  ) {}

  now(): number {
    return this.context.clock.now();
  }

  /** Memory is always there. */
  onState(): () => void {
    return () => undefined;
  }

  async read({ key, scopes, withLease }: ReadRequest): Promise<Reading<Entry>> {
    const { shelf, markers, leases } = this.space;
    return {
      stored: shelf.get(key, this.context.clock)?.entry,
      scopes: scopes.map((scope) => markers.read(scope)),
      lease: withLease ? leases.get(key, this.now())?.lease : undefined,
    };
  }

  async acquire({
    key,
    lease,
    leaseMs,
    seen,
    dead,
    replaces,
  }: AcquireRequest<Entry>): Promise<Acquired<Entry>> {
    const { shelf, leases } = this.space;
    const now = this.now();
    const stored = replaces === true ? undefined : shelf.get(key, this.context.clock)?.entry;
    if (stored !== undefined && stored !== seen) return { state: 'found', stored };
    const held = leases.get(key, now);
    if (held !== undefined && held.lease !== dead && held.lease !== lease) {
      held.waited = true;
      return { state: 'held', lease: held.lease, remainingMs: held.until - now };
    }
    leases.take(key, lease, now + leaseMs, now);
    return { state: 'leased', settleUntil: leases.settleUntil(key, now) };
  }

  async renew(key: string, lease: string, leaseMs: number): Promise<boolean> {
    const { leases } = this.space;
    const now = this.now();
    const held = leases.isHeld(key, lease, now);
    if (held) leases.take(key, lease, now + leaseMs, now);
    return held;
  }

  async release(key: string, lease: string): Promise<void> {
    if (this.space.leases.isHeld(key, lease, this.now())) this.#endLease(key);
  }

  async fill(key: string, lease: string, stored: Entry, ttlMs: number): Promise<boolean> {
    if (!this.space.leases.isHeld(key, lease, this.now())) return false;
    this.#put(key, stored, ttlMs);
    this.#endLease(key);
    return true;
  }

  async set(key: string, stored: Entry, ttlMs: number, lease?: string): Promise<boolean> {
    if (lease !== undefined && !this.space.leases.isHeld(key, lease, this.now())) return false;
    this.#put(key, stored, ttlMs);
    this.space.leases.end(key);
    this.space.tell({ kind: 'keys', keys: [key] });
    return true;
  }

  async delete(keys: readonly string[], settleMs: number): Promise<void> {
    const { shelf, leases } = this.space;
    const now = this.now();
    for (const key of keys) {
      shelf.remove(key);
      leases.end(key);
      if (settleMs > 0) leases.settle(key, now + settleMs, now);
    }
    this.space.tell({ kind: 'keys', keys: Array.from(keys) });
  }

  async ensure(scopes: readonly ScopeGroups[], _keepMs: number): Promise<readonly ScopeReading[]> {
    return scopes.map((scope) => this.space.markers.ensure(scope, this.now()));
  }

  async invalidate(invalidation: GroupInvalidation): Promise<Tick> {
    const { tick, settleUntil } = this.space.markers.invalidate(invalidation, this.now());
    this.space.tell({ kind: 'groups', invalidation, tick, settleUntil });
    return tick;
  }

  reclaim(scope: string, signal: AbortSignal): Promise<number> {
    return this.space.shelf.sweep(scope === '' ? '' : `tenant:${scope}/`, signal);
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    const end = this.space.subscribe(listener, this.context.report);
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
      end();
    };
  }

  isCoherent(): boolean {
    return true;
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  #put(key: string, stored: Entry, ttlMs: number): void {
    const { shelf } = this.space;
    const now = this.now();
    const before = shelf.get(key, this.context.clock);
    const same = before?.entry === stored ? before : undefined;
    const slot = shelf.put(key, stored, same?.frozen, now + ttlMs, now);
    if (slot !== undefined && same?.stamp !== undefined) slot.stamp = same.stamp;
  }

  #endLease(key: string): void {
    if (this.space.leases.end(key)) this.space.tell({ kind: 'released', key });
  }
}
