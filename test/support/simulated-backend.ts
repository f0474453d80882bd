import type { Payload } from '../../lib/ports/codec.js';
import { BackendError } from '../../lib/ports/errors.js';
import type { GroupInvalidation, ScopeReading } from '../../lib/ports/groups.js';
import type {
  BackendState,
  EnsureRequest,
  FillReply,
  FillRequest,
  LeaseReply,
  LeaseRequest,
  Notice,
  Reading,
  ReadRequest,
  SharedBackend,
} from '../../lib/ports/shared-backend.js';
import type { Tick } from '../../lib/ports/time.js';
import type { SimulatedServer } from './simulated-server.js';

/** Settles when the schedule says so. */
export type Step = (label: string) => Promise<unknown>;
/**
 * What happens to the next call: it arrives, it is lost on the way there, or its answer is lost.
 */
export type Fate = 'answered' | 'lost' | 'unanswered';

/**
 * The link of one process to a simulated server. Each call is three steps apart: it travels there,
 * takes effect, travels back; a schedule decides what happens in between. Notices are delivered in
 * order, when the schedule says so, or missed with a gap.
 */
export class SimulatedLink implements SharedBackend {
  state: BackendState = 'up';
  /** How much of the stream this link has delivered. */
  position = 0;
  /** Counts times at which the backend was out of reach. */
  outages = 0;
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #stateListeners = new Set<(state: BackendState) => void>();
  readonly #leases = new Map<string, { readonly endings: number; until: number }>();
  /** Of this tick: settle when the lease has been taken, or the request for it was lost. */
  readonly #leasesOnTheWay = new Map<string, Promise<unknown>>();
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

  get listenerCount(): number {
    return this.#listeners.size + this.#stateListeners.size;
  }

  now(): number {
    return this.server.clock.now();
  }

  onState(listener: (state: BackendState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Takes effect after the lease on the key that was requested in the same tick. */
  async read({ key, scopes, withLease }: ReadRequest): Promise<Reading> {
    const { server } = this;
    const lease = this.#leasesOnTheWay.get(key);
    const value = () => ({
      stored: server.value(key),
      lease: withLease ? server.leaseOn(key) : undefined,
    });
    if (!this.scattered) {
      const all = () => ({ ...value(), scopes: scopes.map((scope) => server.scope(scope)) });
      return this.#call(`read ${key}`, all, lease);
    }
    const [found, ...readings] = await Promise.all([
      this.#call(`read ${key}`, value, lease),
      ...scopes.map((scope) => this.#call(`read markers of ${key}`, () => server.scope(scope))),
    ]);
    return { ...found, scopes: readings };
  }

  lease(request: LeaseRequest): Promise<LeaseReply> {
    const { key, token, leaseMs } = request;
    let arrived: () => void = () => undefined;
    this.#leasesOnTheWay.set(key, new Promise<void>((resolve) => (arrived = resolve)));
    queueMicrotask(() => this.#leasesOnTheWay.delete(key));
    const leased = this.#call(`lease ${key}`, () => {
      const reply = this.server.lease(request);
      if (reply.state === 'leased')
        this.#leases.set(token, {
          endings: this.server.endingsOf(key),
          until: this.now() + leaseMs,
        });
      arrived();
      return reply;
    });
    leased.then(arrived, arrived);
    return leased;
  }

  renew(key: string, token: string, leaseMs: number): Promise<boolean> {
    return this.#call(`renew ${key}`, () => {
      const renewed = this.server.renew(key, token, leaseMs);
      const taken = this.#leases.get(token);
      if (renewed && taken !== undefined) taken.until = this.now() + leaseMs;
      return renewed;
    });
  }

  release(key: string, token: string): Promise<void> {
    return this.#call(`release ${key}`, () => {
      this.server.release(key, token);
    });
  }

  async fill(request: FillRequest): Promise<FillReply> {
    const { key, token, ensure, refuseIfSettlingAfter = Infinity } = request;
    if (!this.scattered || ensure === undefined) return this.#fill(request);
    // markers of a cluster are on other nodes
    const readings = await this.ensure(ensure);
    const windows = readings.flatMap(({ markers }) =>
      markers.map((marker) => marker?.settleUntil ?? 0),
    );
    const settleUntil = Math.max(0, ...windows);
    if (settleUntil <= refuseIfSettlingAfter) return this.#fill({ ...request, ensure: undefined });
    return this.#call(`read lease of ${key}`, () => ({
      stored: false,
      settleUntil: this.server.leaseOn(key) === token ? settleUntil : 0,
    }));
  }

  set(key: string, payload: Payload, ttlMs: number, token?: string): Promise<boolean> {
    return this.#call(`set ${key}`, () => {
      const done = this.server.set(this.name, key, payload, ttlMs, token);
      if (!done && token !== undefined)
        this.server.checkRefusal(key, token, this.#leases.get(token));
      return done;
    });
  }

  delete(keys: readonly string[], settleMs: number): Promise<void> {
    return this.#call(`delete ${keys.join(' ')}`, () => {
      this.server.delete(this.name, keys, settleMs);
    });
  }

  ensure({ scopes }: EnsureRequest): Promise<readonly ScopeReading[]> {
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
    return this.#call('reclaim', () => this.server.reclaim(scope));
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
    if (next.sender !== this.name) this.#emit(next.notice);
  }

  /** From now on this process does not hear, and knows it. */
  deafen(): void {
    this.deaf = true;
  }

  /** It hears again: after all it missed was replayed, or after a gap. */
  hearAgain(how: 'replay' | 'gap'): void {
    if (how === 'gap') {
      this.position = this.server.stream.length;
      this.#emit({ kind: 'gap', reason: 'simulated' });
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

  #fill(request: FillRequest): Promise<FillReply> {
    const { key, token } = request;
    return this.#call(`fill ${key}`, () => {
      const reply = this.server.fill(request);
      if (!reply.stored && reply.settleUntil === 0)
        this.server.checkRefusal(key, token, this.#leases.get(token));
      return reply;
    });
  }

  #emit(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice);
  }

  async #late(lateness: number): Promise<void> {
    for (let i = 0; i <= lateness; i++) await this.step(`notice to ${this.name}`);
  }

  /** @param after takes effect after this has settled */
  async #call<T>(label: string, effect: () => T, after?: Promise<unknown>): Promise<T> {
    if (this.state === 'down')
      throw new BackendError('UNAVAILABLE', `${label}: the simulated link is down.`);
    const fate = this.fate();
    await this.step(`${this.name}: ${label} >`);
    if (after !== undefined) await after;
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
