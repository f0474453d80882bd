import type {
  EnsureRequest,
  FillReply,
  FillRequest,
  LeaseReply,
  LeaseRequest,
  Reading,
  ReadRequest,
} from '../../../ports/shared-backend.js';
import type { ScopeReading } from '../../../ports/groups.js';
import type { Millis } from '../../../ports/time.js';
import type { NamespaceParts, Pending } from './batch.js';
import { type PendingFill, sendFills } from './fills.js';
import {
  type PendingLease,
  type PendingRelease,
  type PendingRenewal,
  sendLeases,
  sendReleases,
  sendRenewals,
} from './leases.js';
import { latestSettleWindow, type PendingEnsure, sendEnsures } from './markers.js';
import type { OversizedValues } from './oversized.js';
import { BatchedReads, type Tick } from './reads.js';

/**
 * Sends the requests of one tick (until the queue of microtasks is empty) together: releases and
 * fills, then leases, then `ensure`s, then reads. On a single server each kind is one command, and
 * all of them are one round trip; since Redis executes them in the order in which they are sent, a
 * read sees what happened before the lease of the same tick was taken.
 */
export class TickBatcher {
  readonly #reads: BatchedReads;
  #releases: PendingRelease[] = [];
  #fills: PendingFill[] = [];
  #leases: PendingLease[] = [];
  #ensures: PendingEnsure[] = [];
  #renewals: PendingRenewal[] = [];
  #tick: Tick = { repeatedLeases: undefined };
  #isScheduled = false;

  constructor(
    private readonly parts: NamespaceParts,
    oversized: OversizedValues,
  ) {
    this.#reads = new BatchedReads(
      parts,
      () => {
        this.#schedule();
      },
      () => this.#sendWrites(),
      oversized,
    );
  }

  read(request: ReadRequest, timeoutMs?: Millis): Promise<Reading> {
    return this.#reads.read(request, timeoutMs);
  }

  lease(request: LeaseRequest, timeoutMs = Infinity): Promise<LeaseReply> {
    return this.#enqueue(this.#leases, request, timeoutMs);
  }

  release(key: string, token: string): Promise<void> {
    return this.#enqueue(this.#releases, { key, token });
  }

  ensure(request: EnsureRequest, timeoutMs = Infinity): Promise<readonly ScopeReading[]> {
    return this.#enqueue(this.#ensures, request, timeoutMs);
  }

  fill(request: FillRequest): Promise<FillReply> {
    return request.ensure !== undefined && this.parts.connection.kind === 'cluster'
      ? this.#ensureThenFill(request, request.ensure)
      : this.#enqueue(this.#fills, request);
  }

  /**
   * Renewals are collected for a whole turn of the event loop: timers that fire together each have
   * a queue of microtasks of their own.
   */
  renew(key: string, token: string, leaseMs: Millis): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#renewals.length === 0)
        setImmediate(() => {
          const renewals = this.#renewals;
          this.#renewals = [];
          sendRenewals(this.parts, renewals);
        });
      const request = { key, token, leaseMs };
      this.#renewals.push({ request, timeoutMs: Infinity, resolve, reject });
    });
  }

  /** The markers of a cluster live in other slots than the value. */
  async #ensureThenFill(request: FillRequest, ensure: EnsureRequest): Promise<FillReply> {
    const { key, token, refuseIfSettlingAfter: moment = Infinity } = request;
    const settleUntil = latestSettleWindow(await this.ensure(ensure));
    if (settleUntil <= moment) return this.#enqueue(this.#fills, { ...request, ensure: undefined });
    const lease = this.parts.names.lease(key);
    const held = await this.parts.connection.send({ key: lease, args: ['GET', lease] });
    return { stored: false, settleUntil: held === token ? settleUntil : 0 };
  }

  #enqueue<Request, Reply>(
    queue: Pending<Request, Reply>[],
    request: Request,
    timeoutMs = Infinity,
  ): Promise<Reply> {
    this.#schedule();
    return new Promise((resolve, reject) => {
      queue.push({ request, timeoutMs, resolve, reject });
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // a callback of nextTick that is added by a microtask runs when no microtask is left
    queueMicrotask(() => {
      process.nextTick(() => {
        this.#isScheduled = false;
        this.#sendWrites();
        this.#reads.sendAll();
        this.#tick = { repeatedLeases: undefined };
      });
    });
  }

  /** Sends all that goes before reads. */
  #sendWrites(): Tick {
    const { parts } = this;
    const tick = this.#tick;
    if (this.#releases.length > 0) sendReleases(parts, this.#releases.splice(0));
    if (this.#fills.length > 0) sendFills(parts, this.#fills.splice(0));
    if (this.#leases.length > 0)
      sendLeases(parts, this.#leases.splice(0), (repeated) => {
        tick.repeatedLeases ??= new Set();
        for (const { request } of repeated) tick.repeatedLeases.add(request.key);
      });
    if (this.#ensures.length > 0) sendEnsures(parts, this.#ensures.splice(0));
    return tick;
  }
}
