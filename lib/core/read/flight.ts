import type { Codec } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import { ReentrantProducerError } from '../../ports/errors.js';
import type { GroupInvalidation } from '../../ports/groups.js';
import type { CallSeq, Millis, NoticeSeq, Tick } from '../../ports/time.js';
import { concerns, NAMESPACE } from '../groups/groups.js';
import { redacted } from '../key/key.js';
import type { Call } from '../options/call.js';
import type { Lookup } from './lookup.js';
import { codecsCompatible, type ValueHandle } from './shared-value.js';

/** How a flight ended for its callers. */
export type FlightResult =
  | {
      readonly kind: 'produced';
      readonly value: ValueHandle;
      readonly entry: Entry | undefined;
    }
  /** Another process has stored a usable entry; it was read after `readAt`. */
  | {
      readonly kind: 'stored';
      readonly value: ValueHandle;
      readonly entry: Entry;
      readonly readAt: CallSeq;
    }
  /** Nothing was produced: look again. */
  | { readonly kind: 'retry' };

/**
 * 'load': callers wait for it. 'refresh': in the background, not aborted when callers leave. 'put':
 * a method whose result replaces what is stored; no caller joins it.
 */
export type FlightKind = 'load' | 'refresh' | 'put';

const NO_TICKS: readonly Tick[] = Object.freeze([]);

/**
 * One load of one key: lease, production, write. Callers join it and share its value and its error.
 *
 * Invariants:
 * - `joinable` and `storable` only ever go from true to false; `staleInvalidated` only to true.
 * - A caller that has joined gets the result, detached or not. A detached flight takes no further
 *   callers and stores nothing.
 */
export class Flight {
  readonly storageKey: string;
  readonly codec: Codec;
  joinable: boolean;
  storable = true;
  /** A hard invalidation concerned the stale entry: no caller may get it any more. */
  staleInvalidated = false;
  /** When the production began; a caller that asked before may always join. */
  startedSeq: CallSeq = Infinity;
  /** The same by the local clock. */
  startedAt: Millis = Infinity;
  /** What this process knew of before the production, or before what it is judged by was read. */
  readAt: NoticeSeq = 0;
  /** The token of the lease that the flight holds in a shared backend. */
  lease: string | undefined;
  /** The clocks of the entry's scopes, read before the production began. */
  startTicks: readonly Tick[] = NO_TICKS;
  /** The end of a settle window that the production falls into, in shared time; 0 for none. */
  settleUntil: Millis = 0;
  /** The groups whose settle windows `settleUntil` covers. */
  settledGroups: Call['groups'];
  /** Ends the renewal of the lease. */
  stopRenewal: (() => void) | undefined;
  readonly result: Promise<FlightResult>;
  /** Why the flight was aborted. */
  aborted: { readonly reason: unknown } | undefined;
  onAbort: (() => void) | undefined;
  /** The hard timeout of the producer. */
  timeout: { cancel(): void } | undefined;
  isSettled = false;
  #isFinished = false;
  /** Created when a producer asks for it: it costs more than the rest of a flight. */
  #controller: AbortController | undefined;
  #callers = 0;
  /** Flights that this one's producer waits for. */
  #dependencies: Set<Flight> | undefined;
  #resolve!: (result: FlightResult) => void;
  #reject!: (error: unknown) => void;
  #onFinished: (() => void)[] | undefined;

  constructor(
    /** The cache that runs it; caches on one memory backend share their flights. */
    readonly owner: object,
    readonly call: Call,
    readonly kind: FlightKind,
    /** The stale entry that may answer for a slow or failing production. */
    readonly stale: Lookup | undefined,
  ) {
    this.storageKey = call.storageKey;
    this.codec = call.policy.codec;
    this.joinable = kind !== 'put';
    this.settledGroups = call.groups;
    this.result = new Promise<FlightResult>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // There may be no caller: its failure must not become an unhandled rejection.
    if (kind !== 'load') this.result.catch(() => undefined);
  }

  get isBackground(): boolean {
    return this.kind === 'refresh';
  }

  acceptsCodec(codec: Codec): boolean {
    return codecsCompatible(this.codec, codec);
  }

  /** For the producer. */
  get signal(): AbortSignal {
    const controller = (this.#controller ??= new AbortController());
    if (this.aborted !== undefined && !controller.signal.aborted) {
      controller.abort(this.aborted.reason);
    }
    return controller.signal;
  }

  throwIfAborted(): void {
    if (this.aborted !== undefined) throw this.aborted.reason;
  }

  resolve(result: FlightResult): void {
    this.isSettled = true;
    this.#resolve(result);
  }

  reject(error: unknown): void {
    this.isSettled = true;
    this.#reject(error);
  }

  /** Nothing of the flight is under way any more, its write included. */
  finish(): void {
    this.#isFinished = true;
    for (const done of this.#onFinished ?? []) done();
    this.#onFinished = undefined;
  }

  whenFinished(): Promise<void> {
    if (this.#isFinished) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#onFinished ??= []).push(resolve);
    });
  }

  detach(): void {
    this.joinable = false;
    this.storable = false;
  }

  /**
   * Takes no further callers; the result may still be stored. Used when an invalidation may concern
   * a tag that only the result will reveal, and when notices were missed.
   */
  stopJoining(): void {
    this.joinable = false;
  }

  abort(reason: unknown): void {
    this.detach();
    if (this.aborted !== undefined) return;
    this.aborted = { reason };
    this.onAbort?.();
    this.#controller?.abort(reason);
  }

  get callers(): number {
    return this.#callers;
  }

  addCaller(): void {
    this.#callers++;
  }

  /** The last caller to leave aborts the production. */
  removeCaller(reason: unknown): void {
    this.#callers--;
    if (this.#callers === 0 && this.kind === 'load') this.abort(reason);
  }

  /** The key was deleted or replaced. */
  onKeyInvalidated(): void {
    this.staleInvalidated = true;
    this.detach();
  }

  /**
   * Detaches the flight when its groups are known to be concerned. Otherwise the result may still
   * turn out to have one of these tags: then the markers decide whether it is stored as valid, and
   * until then no caller joins. The stale entry has all of its tags already, so it is only concerned
   * by its own groups, and by a soft invalidation not at all.
   */
  onGroupsInvalidated(invalidation: GroupInvalidation): void {
    const { groups } = this.call;
    if (invalidation.mode === 'hard' && concerns(invalidation, this.stale?.groups ?? groups)) {
      this.staleInvalidated = true;
    }
    if (concerns(invalidation, groups)) this.detach();
    else if (
      invalidation.scope === NAMESPACE ||
      groups.some(({ scope }) => scope === invalidation.scope)
    ) {
      this.stopJoining();
    }
  }

  /**
   * Notes that this flight's producer waits for another flight. The returned function ends it.
   * @throws ReentrantProducerError (`CACHE_REENTRANT`) when that one waits for this one, directly
   * or through others: neither could ever end
   */
  addDependency(other: Flight): () => void {
    this.assertNoCycle(other);
    const dependencies = (this.#dependencies ??= new Set());
    dependencies.add(other);
    return () => {
      dependencies.delete(other);
    };
  }

  /** @throws ReentrantProducerError (`CACHE_REENTRANT`) as `addDependency` does */
  assertNoCycle(other: Flight): void {
    if (!other.#dependsOn(this)) return;
    throw new ReentrantProducerError(
      `The producer of ${redacted(this.storageKey)} asked for ${redacted(other.storageKey)}, ` +
        'which waits for this producer: neither could ever end. Call the uncached method inside ' +
        'the producer, or give the inner call its own key.',
    );
  }

  #dependsOn(target: Flight): boolean {
    if (this === target) return true;
    for (const next of this.#dependencies ?? []) if (next.#dependsOn(target)) return true;
    return false;
  }
}
