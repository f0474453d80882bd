import type { Clock } from '../../ports/clock.js';
import { isTagGroup } from '../../ports/groups.js';
import type { SharedBackend } from '../../ports/shared-backend.js';
import type { Millis, Tick } from '../../ports/time.js';
import { validityOf } from '../groups/groups.js';
import type { Background } from '../observe/background.js';
import type { Flight } from './flight.js';
import type { Lookup } from './lookup.js';
import type { Timeouts } from './timeouts.js';

const FIRST_POLL_MS = 10;
const MAX_POLL_MS = 80;
const PUT_SUFFIX = ':put';
const UNKNOWN_TICKS = '-';

/**
 * The leases of this process in a shared backend: their tokens, their renewal, and the waiting for
 * leases of other processes.
 *
 * A token names the ticks that its holder knew when it asked for the lease. A process that finds
 * the lease held can tell from the markers that the holder's load was overtaken by an invalidation,
 * and takes the lease over instead of waiting for a result that it may not use.
 */
export class Leases {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(
    readonly backend: SharedBackend,
    readonly clock: Clock,
    readonly leaseMs: Millis,
    readonly background: Background,
    readonly timeouts: Timeouts,
    /** Unique among all processes. */
    readonly holder: string,
  ) {}

  /** @param startTicks undefined when they are not known yet: then it is never overtaken */
  newToken(startTicks: readonly Tick[] | undefined): string {
    const ticks = startTicks?.join(',') ?? UNKNOWN_TICKS;
    return `${this.holder}.${(++this.#count).toString(36)}:${ticks}`;
  }

  /** For a method whose result is to be stored: loads do not wait for it but take it over. */
  newPutToken(): string {
    return `${this.holder}.${(++this.#count).toString(36)}${PUT_SUFFIX}`;
  }

  isPutToken(token: string): boolean {
    return token.endsWith(PUT_SUFFIX);
  }

  /** Was the load of this lease overtaken by an invalidation that `lookup` shows? */
  isOvertaken(token: string, { scopes, groups }: Lookup): boolean {
    if (scopes === undefined) return false;
    const ticks = token
      .slice(token.lastIndexOf(':') + 1)
      .split(',')
      .map(Number);
    if (ticks.some(Number.isNaN)) return false;
    return ticks.length === groups.length && validityOf(ticks, groups, scopes) === 'invalidated';
  }

  /** Renews the lease of a running production every third of its time to live. */
  startRenewal(flight: Flight): void {
    flight.renewal = this.timeouts.start(Math.max(1, Math.floor(this.leaseMs / 3)), () => {
      const { lease } = flight;
      if (lease === undefined) return;
      this.startRenewal(flight);
      this.background.run(() => this.#renew(flight, lease));
    });
  }

  async #renew(flight: Flight, lease: string): Promise<void> {
    if (await this.backend.renew(flight.storageKey, lease, this.leaseMs)) {
      await this.#keepMarkers(flight);
      return;
    }
    // Its callers keep their result, and the backend refuses the fill by itself; but further
    // callers must not wait for a load that will not be stored.
    if (flight.kind === 'put') flight.lease = undefined;
    flight.stopJoining();
  }

  /** Without the markers of its tags the load would count as overtaken. */
  async #keepMarkers({ call }: Flight): Promise<void> {
    if (call.tags.length === 0) return;
    const scopes = call.groups.map(({ scope, groups }) => ({
      scope,
      groups: groups.filter(isTagGroup),
    }));
    const tagged = scopes.filter(({ groups }) => groups.length > 0);
    await this.backend.ensure({ scopes: tagged, keepMs: this.leaseMs });
  }

  release(flight: Flight): void {
    flight.renewal?.cancel();
    const { lease } = flight;
    if (lease === undefined) return;
    flight.lease = undefined;
    this.releaseInBackground(flight.storageKey, lease);
  }

  releaseInBackground(storageKey: string, token: string): void {
    this.background.run(() => this.backend.release(storageKey, token));
  }

  /** The lease on this key was given up. */
  onReleased(storageKey: string): void {
    const waiting = this.#waiting.get(storageKey);
    if (waiting === undefined) return;
    this.#waiting.delete(storageKey);
    for (const wake of waiting) wake();
  }

  /**
   * Settles when the lease is given up, or after a jittered, growing pause: a notice may be lost,
   * and a holder may die.
   */
  waitForRelease(storageKey: string, tries: number, remainingMs: Millis): Promise<void> {
    const pause = Math.min(MAX_POLL_MS, FIRST_POLL_MS * 2 ** Math.min(tries, 10));
    const jittered = pause * (0.75 + Math.random() / 2);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(storageKey) ?? new Set();
      this.#waiting.set(storageKey, waiting);
      const wake = (): void => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(storageKey) === waiting) {
          this.#waiting.delete(storageKey);
        }
        resolve();
      };
      const cancel = this.clock.after(Math.max(1, Math.min(jittered, remainingMs + 2)), wake);
      waiting.add(wake);
    });
  }

  /** Keys whose lease this process waits for. */
  get size(): number {
    return this.#waiting.size;
  }
}
