import type { CacheBackend } from '../../ports/backend.js';
import type { Entry, Envelope } from '../../ports/entry.js';
import { BackendError } from '../../ports/errors.js';
import type {
  Acquired,
  AcquireRequest,
  SharedBackend,
  GroupInvalidation,
  Marker,
  Notice,
  ReadRequest,
  Reading,
  ScopeGroups,
  ScopeReading,
  BackendState,
} from '../../ports/shared-backend.js';
import type { Clock } from '../../ports/clock.js';
import { KeyWrites } from './key-writes.js';

/** Nothing of this group was invalidated by this process. */
const UNTOUCHED: Marker = Object.freeze({
  hard: 0,
  soft: 0,
  settleUntil: 0,
  combinations: Object.freeze([]),
});
const NO_BYTES = new Uint8Array(0);

/**
 * A backend of two methods as a fenced store: leases and markers are kept in this process, values in the backend.
 *
 * The narrower promise: everything holds among the users of this one object. What another process invalidates is not seen, and a marker that
 * this process never had counts as untouched, since entries of earlier runs would otherwise be of no use.
 */
export class SimpleStore implements SharedBackend<Entry> {
  readonly #writes = new KeyWrites((key) => this.#remove(key));

  constructor(
    readonly backend: CacheBackend,
    readonly prefix: string,
    readonly fences: SharedBackend<Entry>,
    readonly envelope: Envelope,
    readonly clock: Clock,
    readonly timeoutMs: number,
    readonly corrupt: (key: string, error: unknown) => void,
  ) {}

  now(): number {
    return this.fences.now();
  }

  get state(): BackendState {
    return this.fences.state;
  }

  onState(listener: (state: BackendState) => void): () => void {
    return this.fences.onState(listener);
  }

  async read(request: ReadRequest, timeoutMs?: number): Promise<Reading<Entry>> {
    const reading = await this.fences.read(request);
    const stored = await this.#get(request.key, timeoutMs);
    return { ...reading, stored, scopes: reading.scopes.map(untouched) };
  }

  async acquire(request: AcquireRequest<Entry>, timeoutMs?: number): Promise<Acquired<Entry>> {
    const stored = request.replaces === true ? undefined : await this.#get(request.key, timeoutMs);
    if (stored !== undefined && stored.createdAt !== request.seen?.createdAt)
      return { state: 'found', stored };
    return this.fences.acquire({ ...request, seen: undefined });
  }

  renew(key: string, lease: string, leaseMs: number): Promise<boolean> {
    return this.fences.renew(key, lease, leaseMs);
  }

  release(key: string, lease: string): Promise<void> {
    return this.fences.release(key, lease);
  }

  async fill(key: string, lease: string, stored: Entry, ttlMs: number): Promise<boolean> {
    return this.#write('set', key, async () => {
      if (!(await this.fences.renew(key, lease, ttlMs))) return false;
      await this.#put(key, stored, ttlMs);
      await this.fences.release(key, lease);
      return true;
    });
  }

  async set(key: string, stored: Entry, ttlMs: number, lease?: string): Promise<boolean> {
    if (lease === undefined) {
      await this.fences.delete([key], 0);
      await this.#write('set', key, () => this.#put(key, stored, ttlMs));
      return true;
    }
    return this.#write('set', key, async () => {
      if (!(await this.fences.renew(key, lease, ttlMs))) return false;
      await this.#put(key, stored, ttlMs);
      // Whoever deletes meanwhile has the next turn; here it ends the lease, and tells everyone.
      await this.fences.delete([key], 0);
      return true;
    });
  }

  async delete(keys: readonly string[], settleMs: number): Promise<void> {
    await this.fences.delete(keys, settleMs);
    const ended = await Promise.allSettled(
      keys.map((key) => this.#write('delete', key, () => this.#remove(key))),
    );
    const errors = ended.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as BackendError] : [],
    );
    const worst = errors.find((error) => !error.kept) ?? errors[0];
    if (worst !== undefined) throw worst;
  }

  /** Makes the clocks only: a marker made now would bury what earlier runs stored. */
  async ensure(scopes: readonly ScopeGroups[], keepMs: number): Promise<readonly ScopeReading[]> {
    await this.fences.ensure(
      scopes.map(({ scope }) => ({ scope, groups: [] })),
      keepMs,
    );
    const reading = await this.fences.read({ key: '', scopes, withLease: false, text: false });
    return reading.scopes.map(untouched);
  }

  invalidate(invalidation: GroupInvalidation): Promise<number> {
    return this.fences.invalidate(invalidation);
  }

  /** Two methods give no way to list keys: memory comes back as entries expire. */
  reclaim(): Promise<number> {
    return Promise.resolve(0);
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    return this.fences.subscribe(listener);
  }

  isCoherent(): boolean {
    return this.fences.isCoherent();
  }

  close(): Promise<void> {
    return this.fences.close();
  }

  async #get(key: string, timeoutMs: number | undefined): Promise<Entry | undefined> {
    if (this.#writes.isGivenUp(key)) return undefined;
    const bytes = await this.#bounded(
      'get',
      Math.min(timeoutMs ?? this.timeoutMs, this.timeoutMs),
      () => this.backend.get(this.prefix + key),
    );
    if (bytes === undefined || bytes === null || bytes.length === 0 || this.#writes.isGivenUp(key))
      return undefined;
    try {
      return this.envelope.unpack(bytes);
    } catch (error) {
      this.corrupt(key, error);
      return undefined;
    }
  }

  async #put(key: string, entry: Entry, ttlMs: number): Promise<void> {
    const payload = this.envelope.pack(entry);
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    await this.backend.set(this.prefix + key, bytes, ttlMs);
  }

  async #remove(key: string): Promise<void> {
    const { backend } = this;
    const name = this.prefix + key;
    if (backend.delete === undefined) await backend.set(name, NO_BYTES, 1);
    else await backend.delete(name);
  }

  #write<T>(during: string, key: string, task: () => Promise<T>): Promise<T> {
    const writes = this.#writes;
    if (writes.isGivenUp(key)) {
      writes.recover(key);
      return Promise.reject(this.#tooLate(during, true));
    }
    return this.#bounded(
      during,
      this.timeoutMs,
      () => writes.run(key, task),
      () => writes.giveUp(key),
    );
  }

  /** A user's backend may hang; a call must not. @param giveUp returns whether what is given up is still seen to */
  #bounded<T>(
    during: string,
    timeoutMs: number,
    task: () => T | PromiseLike<T>,
    giveUp = (): boolean => false,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(timeoutMs, () => {
        reject(this.#tooLate(during, giveUp()));
      });
      Promise.resolve()
        .then(task)
        .then(resolve, (error: unknown) => {
          reject(
            new BackendError('FAILED', `${this.#name}.${during} failed.`, {
              cause: error,
              unknownOutcome: during !== 'get',
            }),
          );
        })
        .finally(cancel);
    });
  }

  #tooLate(during: string, kept: boolean): BackendError {
    const message = `${this.#name}.${during} did not settle within ${String(this.timeoutMs)} ms.`;
    return new BackendError('TIMEOUT', message, { unknownOutcome: during !== 'get', kept });
  }

  get #name(): string {
    return this.backend.name ?? this.backend.constructor.name;
  }
}

/** Missing markers were never there, or were forgotten: then they were not above what is said. */
function untouched(scope: ScopeReading): ScopeReading {
  const { markers, forgotten } = scope;
  if (!markers.includes(undefined)) return scope;
  const missing =
    forgotten === undefined ? UNTOUCHED : { ...UNTOUCHED, hard: forgotten, soft: forgotten };
  return { ...scope, markers: markers.map((marker) => marker ?? missing) };
}
