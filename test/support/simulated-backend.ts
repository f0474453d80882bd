import type { Payload } from '../../lib/ports/codec.js';
import type { Tick } from '../../lib/ports/entry.js';
import { BackendError } from '../../lib/ports/errors.js';
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
} from '../../lib/ports/shared-backend.js';
import type { SimulatedServer } from './simulated-server.js';

/** Settles when the schedule says so. */
export type Step = (label: string) => Promise<unknown>;
/** What happens to the next call: it arrives, it is lost on the way there, or its answer is lost. */
export type Fate = 'answered' | 'lost' | 'unanswered';

/**
 * The link of one process to a simulated server. Each call is three steps apart: it travels there, takes effect, travels back; a schedule decides
 * what happens in between. Notices are delivered in order, when the schedule says so, or missed with a gap.
 */
export class SimulatedLink implements SharedBackend<Payload> {
  state: BackendState = 'up';
  /** How much of the stream this link has delivered. */
  position = 0;
  /** Counts times at which the backend was out of reach. */
  outages = 0;
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #stateListeners = new Set<(state: BackendState) => void>();
  readonly #leases = new Map<string, { readonly endings: number; until: number }>();
  /** It does not hear, and knows it. */
  deaf = false;

  constructor(
    readonly server: SimulatedServer,
    readonly name: string,
    readonly step: Step,
    readonly fate: () => Fate,
    /** As in a cluster: the parts of a read take effect one by one, in any order. */
    readonly scattered: boolean,
    /** Further steps that a notice takes. */
    lateness = 0,
  ) {
    this.position = server.stream.length;
    server.listeners.add(() => {
      void this.#late(lateness).then(() => {
        this.deliver();
      });
    });
  }

  now(): number {
    return this.server.clock.now();
  }

  onState(listener: (state: BackendState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  async read({ key, scopes, withLease }: ReadRequest): Promise<Reading<Payload>> {
    const { server } = this;
    const value = () => ({
      stored: server.value(key),
      lease: withLease ? server.lease(key) : undefined,
    });
    if (!this.scattered)
      return this.#call(`read ${key}`, () => ({
        ...value(),
        scopes: scopes.map((scope) => server.scope(scope)),
      }));
    const [found, ...readings] = await Promise.all([
      this.#call(`read ${key}`, value),
      ...scopes.map((scope) => this.#call(`read markers of ${key}`, () => server.scope(scope))),
    ]);
    return { ...found, scopes: readings };
  }

  acquire(request: AcquireRequest<Payload>): Promise<Acquired<Payload>> {
    return this.#call(`acquire ${request.key}`, () => {
      const acquired = this.server.acquire(request);
      const { key, lease, leaseMs } = request;
      if (acquired.state === 'leased')
        this.#leases.set(lease, {
          endings: this.server.endingsOf(key),
          until: this.now() + leaseMs,
        });
      return acquired;
    });
  }

  renew(key: string, lease: string, leaseMs: number): Promise<boolean> {
    return this.#call(`renew ${key}`, () => {
      const renewed = this.server.renew(key, lease, leaseMs);
      const taken = this.#leases.get(lease);
      if (renewed && taken !== undefined) taken.until = this.now() + leaseMs;
      return renewed;
    });
  }

  release(key: string, lease: string): Promise<void> {
    return this.#call(`release ${key}`, () => {
      this.server.release(key, lease);
    });
  }

  fill(key: string, lease: string, stored: Payload, ttlMs: number): Promise<boolean> {
    return this.#call(`fill ${key}`, () => {
      const filled = this.server.fill(key, lease, stored, ttlMs);
      if (!filled) this.server.checkRefusal(key, lease, this.#leases.get(lease));
      return filled;
    });
  }

  set(key: string, stored: Payload, ttlMs: number, lease?: string): Promise<boolean> {
    return this.#call(`set ${key}`, () => {
      const done = this.server.set(this.name, key, stored, ttlMs, lease);
      if (!done && lease !== undefined)
        this.server.checkRefusal(key, lease, this.#leases.get(lease));
      return done;
    });
  }

  delete(keys: readonly string[], settleMs: number): Promise<void> {
    return this.#call(`delete ${keys.join(' ')}`, () => {
      this.server.delete(this.name, keys, settleMs);
    });
  }

  ensure(scopes: readonly ScopeGroups[]): Promise<readonly ScopeReading[]> {
    return Promise.all(
      scopes.map((scope) =>
        this.#call(`ensure ${scope.groups.join(' ')}`, () => this.server.ensure(scope)),
      ),
    );
  }

  invalidate(invalidation: GroupInvalidation): Promise<Tick> {
    return this.#call(`invalidate ${invalidation.groups.join(' ')}`, () =>
      this.server.invalidate(this.name, invalidation),
    );
  }

  reclaim(scope: string): Promise<number> {
    return this.#call('sweep', () => this.server.sweep(scope));
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isCoherent(): boolean {
    return !this.deaf && this.state === 'up';
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The next notice; own ones are passed over, but for those that wake waiters. */
  deliver(): void {
    if (!this.isCoherent()) return;
    const next = this.server.stream[this.position];
    if (next === undefined) return;
    this.position++;
    if (next.sender !== this.name) this.#tell(next.notice);
  }

  /** From now on this process does not hear, and knows it. */
  deafen(): void {
    this.deaf = true;
  }

  /** It hears again: after all it missed was replayed, or after a gap. */
  hearAgain(how: 'replay' | 'gap'): void {
    if (how === 'gap') {
      this.position = this.server.stream.length;
      this.#tell({ kind: 'gap', reason: 'simulated' });
    }
    this.deaf = false;
    while (this.isCoherent() && this.position < this.server.stream.length) this.deliver();
  }

  change(state: BackendState): void {
    if (state === 'down') this.outages++;
    // A reconnected link has first to catch up.
    if (state === 'up' && this.state === 'down') this.deaf = true;
    this.state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  #tell(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice);
  }

  async #late(lateness: number): Promise<void> {
    for (let i = 0; i <= lateness; i++) await this.step(`notice to ${this.name}`);
  }

  async #call<T>(label: string, effect: () => T): Promise<T> {
    if (this.state === 'down')
      throw new BackendError('UNAVAILABLE', `${label}: the simulated link is down.`);
    const fate = this.fate();
    await this.step(`${this.name}: ${label} >`);
    if (fate === 'lost' || this.#isDown())
      throw new BackendError('TIMEOUT', `${label}: lost on the way.`, { unknownOutcome: true });
    const result = effect();
    await this.step(`${this.name}: ${label} <`);
    if (fate === 'unanswered' || this.#isDown())
      throw new BackendError('TIMEOUT', `${label}: no answer.`, { unknownOutcome: true });
    return result;
  }

  #isDown(): boolean {
    return this.state === 'down';
  }
}
