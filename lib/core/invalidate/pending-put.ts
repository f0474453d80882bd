import type { Tick } from '../../ports/entry.js';
import { type CacheKey, storageKey } from '../key/key.js';
import type { Holder } from '../read/lease.js';

/** The result of a method that is running: what it will be stored with. */
export class PendingPut implements Holder {
  readonly storageKey: string;
  /** Undefined when it was not to be had, or is lost: then the result is not stored, and what is stored goes. */
  lease: string | undefined;
  /** The clocks of the key's scopes, read before the method began. */
  startTicks: readonly Tick[] = [];
  /** Shared time (ms): the end of a settle window the method began in; 0 for none. */
  settleUntil = 0;
  /** Ends the renewal of the lease. */
  cancelRenewal = (): void => undefined;

  constructor(
    readonly key: CacheKey,
    /** Local time (ms). */
    readonly began: number,
    /** Where this process stood before the clocks were read. */
    readonly learned: number,
  ) {
    this.storageKey = storageKey(key);
  }

  close(): void {
    this.lease = undefined;
  }
}
