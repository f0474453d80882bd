import { redacted } from '../key/key.js';
import { type CacheEvent, CacheEvents, type Outcome } from './events.js';
import { Stats } from './stats.js';

/** Events that are counted, and by which counter. */
const COUNTERS = {
  corrupt: 'cache_corrupt',
  unstorable: 'cache_unstorable',
  write_failed: 'cache_write_err',
  fill_refused: 'cache_fill_refused',
} as const satisfies Partial<Record<CacheEvent['type'], keyof Stats>>;

/**
 * Where the engine reports what happens: one call counts it and tells the listeners. Without
 * listeners an outcome costs one increment, and no event is made for it.
 */
export class Reporter {
  readonly stats = new Stats();
  readonly events: CacheEvents;
  /** The steps of the read path as they happen, for tests that tell a call as a story. */
  onStep: ((step: string) => void) | undefined;

  constructor(
    readonly exposeKeys: boolean,
    warn: (error: unknown) => void,
  ) {
    this.events = new CacheEvents(warn);
  }

  /** @param event its `key` is the storage key; listeners get it redacted unless `exposeKeys` */
  report(event: CacheEvent): void {
    if (event.type in COUNTERS) this.stats[COUNTERS[event.type as keyof typeof COUNTERS]]++;
    if (!this.events.hasListeners) return;
    const shown = 'key' in event ? { ...event, key: this.#nameOf(event.key) } : event;
    this.events.emit(shown);
  }

  /** The outcome of one call; exactly once for each call. */
  outcome(outcome: Outcome, tier: 'l1' | 'l2' | undefined, storageKey: string): void {
    const { stats } = this;
    if (outcome === 'hit' || outcome === 'stale') {
      stats.cache_hits++;
      if (outcome === 'stale') stats.cache_stale++;
      if (tier === 'l1') stats.cache_l1_hits++;
    } else {
      stats.cache_misses++;
      if (outcome === 'joined') stats.cache_joined++;
      else if (outcome === 'fallback') stats.cache_fallback++;
    }
    if (this.events.hasOutcomeListeners) this.#emitOutcome(outcome, tier, storageKey);
  }

  #emitOutcome(outcome: Outcome, tier: 'l1' | 'l2' | undefined, storageKey: string): void {
    this.events.emit({ type: 'outcome', outcome, tier, key: this.#nameOf(storageKey) });
  }

  #nameOf(storageKey: string): string {
    return this.exposeKeys ? storageKey : redacted(storageKey);
  }
}
