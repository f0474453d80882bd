import { BackendError } from '../../ports/errors.js';
import type { Millis } from '../../ports/time.js';
import { groupsOf } from '../groups/groups.js';
import type { Change } from '../groups/journal.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { EncodedValue, EntryBuilder } from '../read/entry-builder.js';
import { isPromise, type Tiers } from '../read/tiers.js';
import type { Invalidator } from './invalidator.js';
import type { WriteOrder } from './write-order.js';

export interface SetsParts {
  readonly tiers: Tiers;
  readonly entries: EntryBuilder;
  readonly invalidator: Invalidator;
  readonly order: WriteOrder;
  readonly reporter: Reporter;
  readonly replicaLag: Millis;
  /** Carries changes out like those of a caller. */
  readonly apply: (changes: readonly Change[]) => Promise<boolean>;
}

/**
 * Values that the user sets. Nothing tells whether such a value is older than an invalidation that
 * came before it, so it is stored whatever was there.
 */
export class Sets {
  constructor(private readonly parts: SetsParts) {}

  /**
   * @returns false when the change waits in the journal
   * @throws CodecError, CacheConfigError, and what the callbacks of the call throw
   */
  async set(call: Call, value: unknown): Promise<boolean> {
    const { apply, invalidator, order, reporter, entries } = this.parts;
    const deletion = this.deletionOf(call);
    const encoded = entries.encode(call, value);
    if (encoded === undefined) return apply([deletion]);
    invalidator.applyLocally(deletion);
    reporter.stats.cache_invalidations++;
    const groups =
      encoded.tags === call.tags
        ? call.groups
        : groupsOf(call.key, call.isPlainString, encoded.tags);
    return order.enqueueSet(call.storageKey, groups, () => this.#write(call, encoded));
  }

  /** What a new value means for the old one. */
  deletionOf({ storageKey }: Call): Change {
    return { kind: 'keys', keys: [storageKey], settleMs: this.parts.replicaLag };
  }

  /** Lets a stored value take effect in this process. */
  onStored(call: Call): void {
    const { invalidator } = this.parts;
    const deletion = this.deletionOf(call);
    invalidator.applyLocally(deletion);
    invalidator.remember(deletion);
  }

  /** Whether the value was stored is not known: then at least the old one has to go. */
  onUncertainWrite(call: Call, error: unknown): false {
    const { invalidator, reporter } = this.parts;
    const deletion = this.deletionOf(call);
    reporter.report({ type: 'backend_problem', operation: 'set', error });
    reporter.stats.cache_write_err++;
    invalidator.applyLocally(deletion);
    invalidator.enqueue(deletion);
    return false;
  }

  async #write(call: Call, encoded: EncodedValue): Promise<boolean> {
    const { entries, tiers } = this.parts;
    try {
      if (!tiers.isUsable) throw unusable();
      const storing = tiers.set(call, entries.entryOf(call, encoded, {}), () => {
        this.onStored(call);
      });
      if (isPromise(storing)) await storing;
      return true;
    } catch (error) {
      return this.onUncertainWrite(call, error);
    }
  }
}

function unusable(): BackendError {
  return new BackendError(
    'UNAVAILABLE',
    'The backend is away, or invalidations still have to be repeated before it is used again.',
  );
}
