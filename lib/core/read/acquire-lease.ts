import type { Clock } from '../../ports/clock.js';
import { BackendError } from '../../ports/errors.js';
import type { ScopeGroups, ScopeReading } from '../../ports/groups.js';
import type { LeaseReply, SharedBackend } from '../../ports/shared-backend.js';
import type { CallSeq, Millis } from '../../ports/time.js';
import { expiresAt } from '../groups/freshness.js';
import { isComplete, settleUntil, startTicksOf } from '../groups/groups.js';
import type { Reporter } from '../observe/reporter.js';
import type { Flight } from './flight.js';
import type { Leases } from './lease.js';
import { knownTicks, type Lookup, withMissingClocks } from './lookup.js';
import type { FlightPermit } from './tiers.js';

/** How often a lease is sought, before the value is produced without being stored. */
const MAX_ROUNDS = 1_000;
const RETRY: FlightPermit = Object.freeze({ kind: 'retry' });

export interface AcquireParts {
  readonly backend: SharedBackend;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly leaseWait: Millis;
  readonly backendTimeout: Millis;
  readonly nextSeq: () => CallSeq;
}

type Permit = FlightPermit | Promise<FlightPermit>;
type HeldLease = Extract<LeaseReply, { readonly state: 'held' }>;

/** What a flight does until it may produce. */
interface Seeking {
  readonly flight: Flight;
  readonly first: Lookup;
  readonly lookAgain: LookAgain;
  readonly giveUpAt: Millis;
  rounds: number;
}

/** What one round trip brought. */
interface Round {
  readonly token: string;
  readonly readAt: CallSeq;
  readonly reply: LeaseReply;
  readonly lookup: Lookup;
}

/** Looks past L1, by these groups. */
export type LookAgain = (groups: readonly ScopeGroups[]) => Promise<Lookup>;

/**
 * Lease, then look: takes the lease of a key and looks again, in one round trip. The lease is the
 * single-flight of all processes and the fence of the fill (Nishtala et al., Scaling Memcache at
 * Facebook, NSDI 2013); the second look is the double check.
 *
 * The start ticks come from the look that follows the lease, and so from before the production: a
 * later invalidation of a group has a greater tick, and a later delete removes the lease. A lease
 * that is lost makes the backend refuse the fill; it never makes it accept an old value.
 */
export class LeaseAcquirer {
  constructor(private readonly parts: AcquireParts) {}

  /** Is there time to ask the backend before the production has to start? */
  hasTime({ call }: Flight, first: Lookup): boolean {
    const { clock, backendTimeout } = this.parts;
    const now = clock.now();
    // A look that was answered late may have waited for this busy process: without the lease, the
    // other processes would produce the value again.
    if (first.scopes !== undefined) {
      call.backendBy = Math.max(call.backendBy, now + backendTimeout / 2);
    }
    return now < call.backendBy;
  }

  /** @returns undefined to produce; a failing backend means: produce, and do not store */
  acquire(flight: Flight, first: Lookup, lookAgain: LookAgain): Permit {
    const giveUpAt = this.parts.clock.now() + this.parts.leaseWait;
    return this.#round({ flight, first, lookAgain, giveUpAt, rounds: 0 }, first, undefined);
  }

  /** For a method whose result replaces what is stored: there is nothing to look for. */
  async acquirePut(flight: Flight): Promise<void> {
    const { backend, leases } = this.parts;
    const { call } = flight;
    const token = leases.newPutToken();
    const keepMs = leases.leaseMs;
    const [leased, ensured] = await Promise.allSettled([
      this.#lease(flight, token, undefined),
      backend.ensure({ scopes: call.groups, keepMs }, this.#timeLeft(flight)),
    ]);
    if (leased.status === 'rejected') {
      if (isUnknownOutcome(leased.reason)) this.#giveBack(flight.storageKey, token);
      this.#reportFailure(leased.reason);
    } else if (leased.value.state === 'leased') {
      flight.lease = token;
      flight.settleUntil = leased.value.settleUntil;
    }
    if (ensured.status === 'rejected') {
      this.#reportFailure(ensured.reason);
      leases.release(flight);
      return;
    }
    flight.startTicks = startTicksOf(ensured.value);
    flight.settleUntil = Math.max(flight.settleUntil, settleUntil(ensured.value));
    if (flight.lease !== undefined) leases.startRenewal(flight);
  }

  /** @param overtaken a lease that may be taken over */
  #round(seeking: Seeking, known: Lookup, overtaken: string | undefined): Permit {
    try {
      return this.#leaseAndLook(seeking, known, overtaken);
    } catch (error) {
      return this.#onFailure(seeking.flight, error);
    }
  }

  /**
   * One round trip: the lease, clocks and markers that are missing, and the look. Without `async`
   * and `Promise.all`, since this runs on every miss.
   */
  #leaseAndLook(
    seeking: Seeking,
    known: Lookup,
    overtaken: string | undefined,
  ): Promise<FlightPermit> {
    const { flight, lookAgain } = seeking;
    const readAt = this.parts.nextSeq();
    const token = this.parts.leases.newToken(knownTicks(known));
    const leasing = this.#lease(flight, token, overtaken);
    const ensuring = this.#ensureMissing(flight, known);
    const looking = lookAgain(known.groups);
    return new Promise((resolve, reject) => {
      let [reply, lookup, hasFailed]: [LeaseReply?, Lookup?, boolean?] = [];
      let made: readonly ScopeReading[] = [];
      let left = ensuring === undefined ? 2 : 3;
      const fail = (error: unknown): void => {
        hasFailed = true;
        try {
          resolve(this.#onFailure(flight, error));
        } catch (reason) {
          reject(reason);
        }
        settle();
      };
      const settle = (): void => {
        if (--left > 0) return;
        if (hasFailed !== true && reply !== undefined && lookup !== undefined) {
          lookup = withMissingClocks(lookup, made);
          resolve(this.#decide(seeking, { token, readAt, reply, lookup }));
        } else if (reply?.state === 'leased') {
          // Other processes would wait for nothing.
          this.#giveBack(flight.storageKey, token);
        }
      };
      leasing.then(
        (answer) => {
          reply = answer;
          settle();
        },
        (error: unknown) => {
          // The lease may have been taken all the same.
          if (isUnknownOutcome(error)) this.#giveBack(flight.storageKey, token);
          fail(error);
        },
      );
      looking.then((answer) => {
        lookup = answer;
        settle();
      }, fail);
      ensuring?.then((scopes) => {
        made = scopes;
        settle();
      }, fail);
    });
  }

  #decide(seeking: Seeking, { token, readAt, reply, lookup }: Round): Permit {
    const { leases } = this.parts;
    const { flight, first } = seeking;
    if (lookup.value !== undefined && isUsable(lookup, flight, first)) {
      if (reply.state === 'leased') this.#giveBack(flight.storageKey, token);
      return stored(lookup, readAt);
    }
    if (reply.state === 'leased') {
      this.#grant(flight, token, lookup, reply.settleUntil);
      return undefined;
    }
    const givesWay = flight.kind === 'load' && leases.isPutToken(reply.token);
    if (givesWay || leases.isOvertaken(reply.token, lookup)) {
      if (++seeking.rounds < MAX_ROUNDS) return this.#round(seeking, lookup, reply.token);
      return this.#withoutStoring(flight);
    }
    // Another process refreshes the key already: one is enough.
    return flight.isBackground ? RETRY : this.#waitForHolder(seeking, reply);
  }

  /** Waits until another process gives its lease up, looks what it stored, and asks again. */
  async #waitForHolder(seeking: Seeking, held: HeldLease): Promise<FlightPermit> {
    const { leases, clock, backendTimeout, reporter, nextSeq } = this.parts;
    const { flight, first, lookAgain, giveUpAt } = seeking;
    const { call, storageKey } = flight;
    if (clock.now() >= giveUpAt || seeking.rounds >= MAX_ROUNDS) {
      return this.#withoutStoring(flight);
    }
    try {
      call.onWait?.();
      reporter.onStep?.('wait for the lease of another process');
      await leases.waitForRelease(storageKey, seeking.rounds++, held.remainingMs);
      flight.throwIfAborted();
      call.backendBy = clock.now() + backendTimeout;
      const readAt = nextSeq();
      const lookup = await lookAgain(call.groups);
      if (lookup.value !== undefined && isUsable(lookup, flight, first)) {
        return stored(lookup, readAt);
      }
      return await this.#round(seeking, lookup, undefined);
    } catch (error) {
      return this.#onFailure(flight, error);
    }
  }

  #withoutStoring(flight: Flight): FlightPermit {
    flight.storable = false;
    return undefined;
  }

  /** @throws when all callers have left: then nothing is produced */
  #onFailure(flight: Flight, error: unknown): FlightPermit {
    if (flight.aborted !== undefined) throw error;
    this.#reportFailure(error);
    return this.#withoutStoring(flight);
  }

  /** The ticks are those of the look that came after the lease was taken, or taken over. */
  #grant(flight: Flight, token: string, lookup: Lookup, keySettleUntil: Millis): void {
    const { leases, backend, reporter } = this.parts;
    const scopes = lookup.scopes ?? [];
    reporter.onStep?.('take the lease');
    flight.lease = token;
    flight.startTicks = startTicksOf(scopes);
    flight.settledGroups = lookup.groups;
    const until = Math.max(keySettleUntil, settleUntil(scopes));
    flight.settleUntil = until > backend.now() ? until : 0;
    leases.startRenewal(flight);
  }

  #lease(flight: Flight, token: string, overtaken: string | undefined): Promise<LeaseReply> {
    const { backend, leases } = this.parts;
    const request = { key: flight.storageKey, token, leaseMs: leases.leaseMs, overtaken };
    return backend.lease(request, this.#timeLeft(flight));
  }

  #ensureMissing(flight: Flight, lookup: Lookup): Promise<readonly ScopeReading[]> | undefined {
    const { backend, leases } = this.parts;
    const { scopes, groups, entry } = lookup;
    if (scopes !== undefined && isComplete(scopes)) return undefined;
    // With the renewals of its lease they outlive the load; the fill keeps them for the entry.
    const left = entry === undefined ? 0 : expiresAt(entry) - backend.now();
    const keepMs = Math.max(leases.leaseMs, left);
    return backend.ensure({ scopes: groups, keepMs }, this.#timeLeft(flight));
  }

  #giveBack(storageKey: string, token: string): void {
    this.parts.leases.releaseInBackground(storageKey, token);
  }

  #timeLeft({ call }: Flight): Millis {
    return Math.max(1, call.backendBy - this.parts.clock.now());
  }

  #reportFailure(error: unknown): void {
    this.parts.reporter.report({ type: 'backend_problem', operation: 'lease', error });
  }
}

function isUnknownOutcome(error: unknown): boolean {
  return error instanceof BackendError && error.unknownOutcome;
}

function stored(lookup: Lookup, readAt: CallSeq): FlightPermit {
  const { value, entry } = lookup;
  if (value === undefined || entry === undefined) return RETRY;
  return { kind: 'stored', value, entry, readAt };
}

/** Fresh, or at least newer than what the flight began with; a refresh or reload wants both. */
function isUsable({ freshness, entry }: Lookup, flight: Flight, first: Lookup): boolean {
  const isNewer = entry?.createdAt !== first.entry?.createdAt;
  if (flight.isBackground || flight.call.reload) return freshness === 'fresh' && isNewer;
  return freshness === 'fresh' || (freshness === 'stale' && isNewer);
}
