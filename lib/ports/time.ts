/**
 * The four clocks of the engine. Values of one must never be compared with values of another, so
 * fields and parameters name their clock by type.
 */

/** Milliseconds: a duration, or a moment since the epoch by the clock that the field names. */
export type Millis = number;

/**
 * A moment of a scope's invalidation clock: whole microseconds, at most 2^53. A later invalidation
 * always has a greater tick, whatever the wall clocks of the processes say.
 */
export type Tick = number;

/** Counts calls and productions of one cache: tells which of two in this process began first. */
export type CallSeq = number;

/**
 * Counts the invalidations that this process knows of, its own and those it was notified of. Never
 * below the wall clock in microseconds when it was counted, so that it can be stored with an entry
 * and compared after a restart.
 */
export type NoticeSeq = number;
