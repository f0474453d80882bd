import type { Codec } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import { ReentrantProducerError } from '../../ports/errors.js';
import type { GroupInvalidation, ScopeGroups } from '../../ports/shared-backend.js';
import { NAMESPACE, touches } from '../groups/groups.js';
import { redacted } from '../key/key.js';
import { canMix, type Taker } from './shared-value.js';
import type { Look } from './tiers.js';

/** How a flight ended for those who are in it. */
export type Landing =
  /** A value was produced. */
  | { readonly kind: 'produced'; readonly taker: Taker; readonly entry: Entry | undefined }
  /** The producer failed and a stale value may stand in for it. */
  | {
      readonly kind: 'fallback';
      readonly taker: Taker;
      readonly entry: Entry;
      readonly error: unknown;
    }
  /** Somebody else had stored a good entry; it was read at moment `asOf`, and does not count for who came later. */
  | { readonly kind: 'found'; readonly taker: Taker; readonly entry: Entry; readonly asOf: number }
  /** Nothing was produced (a refresh that another process is doing): ask again. */
  | { readonly kind: 'again' };

/**
 * One load of one key: lease, production, write. Callers join it and share its result and its error.
 *
 * Invariants:
 * - `joinable` only ever goes from true to false, and so does `storable`; `overtaken` only from false to true.
 * - whoever is in the flight gets its landing, detached or not; detached means: takes no new callers and stores nothing.
 */
export class Flight {
  joinable = true;
  storable = true;
  /** Did an invalidation make the stand-in unusable for anything? Nobody gets it then, not even who came before. */
  overtaken = false;
  /** The moment (count of calls) at which the production began; a caller who came before it may always join. */
  producedFrom = Infinity;
  /** When that was, by the local clock. */
  producedAt = Infinity;
  /** The lease this flight holds in the backend, when it holds one. */
  lease: string | undefined;
  startTicks: readonly number[] = [];
  readonly waitsFor = new Set<Flight>();
  readonly landing: Promise<Landing>;
  /** Settles when nothing of the flight is under way any more, its write included. */
  readonly ended: Promise<void>;
  /** Why it was aborted, when it was. */
  aborted: { readonly reason: unknown } | undefined;
  /** Called when it is aborted. */
  onAbort: (() => void) | undefined;
  /** Made when a producer asks for it: making one costs more than the rest of a flight. */
  #controller: AbortController | undefined;
  #callers = 0;
  #land!: (landing: Landing) => void;
  #fail!: (error: unknown) => void;
  #end!: () => void;

  constructor(
    readonly storageKey: string,
    readonly groups: readonly ScopeGroups[],
    /** Refreshes nobody waits for: not aborted when callers leave. */
    readonly background: boolean,
    /** The stale value that may stand in for a slow or failing production. */
    readonly candidate: Look | undefined,
    /** The moment (count of calls) at which the look for the candidate began; who came later may know more. */
    readonly candidateAsOf = 0,
    /** Did this process hear of no invalidation between that look and the start of this flight? One that comes later detaches it. */
    readonly candidateHolds = false,
    /** By which the result is to be stored; callers with one that does not mix with it load for themselves. */
    readonly codec?: Codec,
  ) {
    this.landing = new Promise<Landing>((resolve, reject) => {
      this.#land = resolve;
      this.#fail = reject;
    });
    this.ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    // Callers get the failure from their own promise; a flight without callers must not become an unhandled rejection.
    this.landing.catch(() => undefined);
  }

  /** May callers with this codec have the result? */
  suits(codec: Codec | undefined): boolean {
    return codec === undefined || this.codec === undefined || canMix(this.codec, codec);
  }

  /** For the producer. */
  get signal(): AbortSignal {
    const controller = (this.#controller ??= new AbortController());
    if (this.aborted !== undefined && !controller.signal.aborted)
      controller.abort(this.aborted.reason);
    return controller.signal;
  }

  throwIfAborted(): void {
    if (this.aborted !== undefined) throw this.aborted.reason;
  }

  land(landing: Landing): void {
    this.#land(landing);
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  end(): void {
    this.#end();
  }

  detach(): void {
    this.joinable = false;
    this.storable = false;
  }

  /**
   * Takes no new callers, but may still store: a tag moved that the result may turn out to have, or something is no longer known. What those who
   * are in it may get stays as it was: they came before.
   */
  close(): void {
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

  enter(): void {
    this.#callers++;
  }

  /** The last caller to leave aborts the production, and what it still produces is not stored. */
  leave(reason: unknown): void {
    this.#callers--;
    if (this.#callers === 0 && !this.background) this.abort(reason);
  }

  /** The key was deleted or replaced. */
  keyMoved(): void {
    this.overtaken = true;
    this.detach();
  }

  /**
   * Detaches the flight when it is known to be in the groups. A production may still turn out to have a tag of the scope (tags made from the
   * result): then it takes no new callers, and whether it is stored good is decided by the markers. The stand-in has all of its tags already, so
   * an invalidation of others does it no harm, nor does a soft one.
   */
  groupsMoved(invalidation: GroupInvalidation): void {
    if (
      invalidation.mode === 'hard' &&
      touches(invalidation, this.candidate?.groups ?? this.groups)
    )
      this.overtaken = true;
    if (touches(invalidation, this.groups)) this.detach();
    else if (
      invalidation.scope === NAMESPACE ||
      this.groups.some((scope) => scope.scope === invalidation.scope)
    )
      this.close();
  }

  /**
   * Notes that this flight's producer waits for another flight.
   * @throws ReentrantProducerError when that one waits, directly or through others, for this one: neither could ever end
   */
  waitFor(other: Flight): () => void {
    this.refuse(other);
    this.waitsFor.add(other);
    return () => this.waitsFor.delete(other);
  }

  /** @throws ReentrantProducerError as `waitFor` does */
  refuse(other: Flight): void {
    if (other.leadsTo(this)) {
      throw new ReentrantProducerError(
        `The producer of ${redacted(this.storageKey)} asked for ${redacted(other.storageKey)}, which is waiting for it: this would never end. ` +
          'Call the uncached method inside the producer, or give the inner call its own key.',
      );
    }
  }

  leadsTo(target: Flight): boolean {
    if (this === target) return true;
    for (const next of this.waitsFor) if (next.leadsTo(target)) return true;
    return false;
  }
}
