import type { Tick } from '../../ports/entry.js';
import type {
  GroupInvalidation,
  Marker,
  MarkerCombination,
  ScopeGroups,
  ScopeReading,
} from '../../ports/shared-backend.js';
import { Latest } from './bounded-map.js';

const MOST_MARKERS = 100_000;
const MOST_COMBINATIONS = 64;
const NO_COMBINATIONS: readonly MarkerCombination[] = Object.freeze([]);

/**
 * The invalidation clocks and markers of a namespace.
 *
 * Invariants: a clock moves only on an invalidation, and never gives out a tick twice; markers only grow. The number of markers is bounded:
 * the one that was made or kept longest ago is forgotten, which makes entries miss. A marker or clock that is made anew is not below anything
 * its scope gave out before, so that what was forgotten never revives an entry. Who reads a missing marker as untouched is told `forgotten`.
 */
export class Markers {
  readonly #clocks: Latest<Tick>;
  readonly #markers: Latest<Marker>;
  /** The greatest tick given out in any scope: where the clock of a forgotten scope begins. */
  #latest = 0;
  /** The greatest tick of a marker that was forgotten, in any scope. */
  #forgotten = 0;

  constructor(most = MOST_MARKERS) {
    this.#clocks = new Latest(most);
    this.#markers = new Latest(most);
  }

  read({ scope, groups }: ScopeGroups): ScopeReading {
    const clock = this.#clocks.get(scope);
    const markers = groups.map((group) => this.#markers.get(idOf(scope, group)));
    if (this.#forgotten === 0) return { clock, markers };
    // No marker is above the clock of its scope; a scope in which nothing has moved for long has lost nothing later than that.
    return { clock, markers, forgotten: Math.min(this.#forgotten, clock ?? Infinity) };
  }

  /** @param now milliseconds */
  ensure({ scope, groups }: ScopeGroups, now: number): ScopeReading {
    const clock = this.#clocks.get(scope) ?? Math.max(microseconds(now), this.#latest);
    this.#keepClock(scope, clock);
    const markers = groups.map((group) => {
      const id = idOf(scope, group);
      const marker = this.#markers.get(id) ?? markerAt(clock);
      this.#keepMarker(id, marker);
      return marker;
    });
    return { clock, markers };
  }

  invalidate(
    invalidation: GroupInvalidation,
    now: number,
  ): { readonly tick: Tick; readonly settleUntil: number } {
    const { scope, groups, match, mode, settleMs } = invalidation;
    const before = this.#clocks.get(scope);
    const tick = Math.max(microseconds(now), (before ?? this.#latest) + 1);
    const settleUntil = settleMs > 0 ? now + settleMs : 0;
    this.#keepClock(scope, tick);
    const combined = match === 'all' && groups.length > 1 ? Array.from(groups).sort() : undefined;
    // An entry that is in all groups of a combination is in the first of them: one marker is enough to tell it.
    for (const group of combined?.slice(0, 1) ?? groups) {
      const id = idOf(scope, group);
      const known = this.#markers.get(id) ?? markerAt(before ?? tick);
      const moved =
        combined === undefined ? moveOn(known, tick, mode) : combine(known, combined, tick, mode);
      this.#keepMarker(id, { ...moved, settleUntil: Math.max(known.settleUntil, settleUntil) });
    }
    return { tick, settleUntil };
  }

  #keepMarker(id: string, marker: Marker): void {
    const gone = this.#markers.keep(id, marker);
    if (gone !== undefined)
      this.#forgotten = Math.max(
        this.#forgotten,
        gone.soft,
        ...gone.combinations.map(({ soft }) => soft),
      );
  }

  #keepClock(scope: string, tick: Tick): void {
    this.#latest = Math.max(this.#latest, tick);
    this.#clocks.keep(scope, tick);
  }
}

function markerAt(tick: Tick): Marker {
  return { hard: tick, soft: tick, settleUntil: 0, combinations: NO_COMBINATIONS };
}

function moveOn(marker: Marker, tick: Tick, mode: 'soft' | 'hard'): Marker {
  return mode === 'hard'
    ? { ...markerAt(tick), settleUntil: marker.settleUntil }
    : { ...marker, soft: tick };
}

function combine(
  marker: Marker,
  groups: readonly string[],
  tick: Tick,
  mode: 'soft' | 'hard',
): Marker {
  const same = (other: MarkerCombination) => other.groups.join(' ') === groups.join(' ');
  const hard = mode === 'hard' ? tick : (marker.combinations.find(same)?.hard ?? 0);
  const combinations = [
    ...marker.combinations.filter((other) => !same(other)),
    { groups, hard, soft: tick },
  ];
  if (combinations.length <= MOST_COMBINATIONS) return { ...marker, combinations };
  // Too many to keep apart: all entries of the group are meant.
  return {
    ...marker,
    hard: Math.max(marker.hard, ...combinations.map((other) => other.hard)),
    soft: tick,
    combinations: NO_COMBINATIONS,
  };
}

function microseconds(ms: number): Tick {
  return Math.floor(ms * 1_000);
}

function idOf(scope: string, group: string): string {
  return `${scope} ${group}`;
}
