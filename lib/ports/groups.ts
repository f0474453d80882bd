import type { Millis, Tick } from './time.js';

/**
 * Clocks, and the markers of segments and of everything, live at least this long after their last
 * use. Losing one costs misses, keeping all of them forever costs memory.
 */
export const MIN_MARKER_TTL_MS: Millis = 24 * 3_600_000;

/**
 * The marker of a tag lives as long as the entries that it guards: tags may be made of what anybody
 * sends. After an invalidation that finds none it lives this long, or as long as its settle window.
 */
export const MIN_TAG_MARKER_TTL_MS: Millis = 3_000;

/** Is this the name of the group of a tag? */
export function isTagGroup(group: string): boolean {
  return group.startsWith('t:');
}

/**
 * Groups of one scope. A scope is a namespace (`''`) or one tenant of it (the encoded tenant, never
 * empty). Group names: `*` is everything in the scope, `s:NAME` a segment, `t:NAME` a tag; names
 * are percent-encoded text without white space.
 */
export interface ScopeGroups {
  readonly scope: string;
  readonly groups: readonly string[];
}

/** An invalidation of groups of one scope. */
export interface GroupInvalidation {
  readonly scope: string;
  /** Group names, sorted; with `match: 'all'` two or more. */
  readonly groups: readonly string[];
  /** 'any': entries in any of the groups. 'all': only entries that are in all of them. */
  readonly match: 'any' | 'all';
  /** 'soft': entries become stale. 'hard': entries become unusable for anything. */
  readonly mode: 'soft' | 'hard';
  /** Length of the settle window (replica lag); 0 for none. */
  readonly settleMs: Millis;
}

/** How far entries that are in all of `groups` (sorted) have been invalidated. */
export interface MarkerCombination {
  readonly groups: readonly string[];
  readonly hard: Tick;
  readonly soft: Tick;
}

/** How far a group has been invalidated. */
export interface Marker {
  /** Entries with a lower start tick are unusable for anything. */
  readonly hard: Tick;
  /** Entries with a lower start tick are stale at best; never below `hard`. */
  readonly soft: Tick;
  /** Loads that start before this moment (shared time) may have read a lagging replica. 0: none. */
  readonly settleUntil: Millis;
  readonly combinations: readonly MarkerCombination[];
}

/** The state of a scope at one moment: `markers[i]` belongs to `groups[i]` of the request. */
export interface ScopeReading {
  /** Undefined when the clock does not exist (never used, evicted, flushed). */
  readonly clock: Tick | undefined;
  readonly markers: readonly (Marker | undefined)[];
}
