/** Counters since the cache was created, named as an operator looks for them. */
export class Stats {
  /** Answered from a fresh or stale entry, without waiting for a production. */
  cache_hits = 0;
  /** The part of `cache_hits` that was answered without a round trip. */
  cache_l1_hits = 0;
  /** Had to wait for a production, their own or one they joined. */
  cache_misses = 0;
  /** The part of `cache_misses` that found the entry after taking its turn (the double check). */
  cache_hits_after_lock = 0;
  /** The part of `cache_misses` that joined a running flight. */
  cache_joined = 0;
  /** The part of `cache_hits` that was stale (staleWhileRevalidate, soft timeout). */
  cache_stale = 0;
  /** The part of `cache_misses` that was answered with a stale value: the producer failed. */
  cache_fallback = 0;
  /** Calls that by their options or context did not use the cache. */
  cache_bypassed = 0;
  /** Stored bytes that were not readable and counted as a miss. */
  cache_corrupt = 0;
  /** Productions started. */
  cache_productions = 0;
  cache_producer_err = 0;
  cache_producer_timeouts = 0;
  /** Refreshes in the background. */
  cache_refreshes = 0;
  /** Entries stored by a load. */
  cache_fills = 0;
  /** Loads whose result was not stored because an invalidation had overtaken them. */
  cache_fill_refused = 0;
  /** Values that could not be stored: no codec for them, too large. */
  cache_unstorable = 0;
  cache_read_err = 0;
  cache_write_err = 0;
  cache_invalidations = 0;
  /** Invalidations that could not be made durable at once and were put into the journal. */
  cache_invalidations_deferred = 0;

  snapshot(): Counters {
    return Object.assign({}, this);
  }
}

export type Counters = Readonly<Omit<Stats, 'snapshot'>>;

/** The counters, and what is going on now. */
export interface CacheStats extends Counters {
  /** Loads under way. */
  readonly flights: number;
  /** Invalidations that wait for the backend. */
  readonly journal: number;
  /** Work that no caller awaits. */
  readonly background: number;
}
