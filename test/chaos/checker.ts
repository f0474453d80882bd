import { DURABLE, type History, LOCAL, READ } from './history.js';
import { quantile } from './length.js';

/**
 * A read that started `lateMs` after the bound had passed and still returned less than what had
 * been invalidated.
 */
export interface StaleRead {
  readonly process: number;
  readonly row: number;
  readonly got: number;
  readonly expected: number;
  /** Milliseconds from the acknowledgement to the start of the read. */
  readonly ageMs: number;
  /** The process that invalidated. */
  readonly by: number;
  /** Seconds since the history began. */
  readonly atSeconds: number;
}

export interface Verdict {
  readonly reads: number;
  readonly invalidations: number;
  readonly stale: readonly StaleRead[];
  readonly staleCount: number;
  /**
   * Reads that returned less than an earlier read of the same process did: allowed while no
   * invalidation was acknowledged.
   */
  readonly notMonotonic: number;
  /**
   * For each invalidation and other process that read the row soon after: how long the old value
   * was still seen, ms. Sorted.
   */
  readonly lags: Float64Array;
  readonly lagP50: number;
  readonly lagP99: number;
  readonly lagMax: number;
}

/** The bound in ms for what other processes see; in the same process it is always 0. */
export type BoundOf = (process: number) => number;

interface Step {
  readonly time: number;
  readonly version: number;
  readonly by: number;
}

const SHOWN = 20;
const LAG_WINDOW_NS = 250e6;

/**
 * Checks a history against the promise: for each invalidation of version v acknowledged as durable
 * at t, every read that starts after t + bound returns v or newer. The versions of a row only grow,
 * so it is a register with a one-sided order: one sweep over the events of each row.
 */
export function check(history: History, boundOf: BoundOf): Verdict {
  const rows = new Map<number, { reads: number[]; changes: number[] }>();
  let reads = 0;
  let invalidations = 0;
  let began = Infinity;
  for (let i = 0; i < history.length; i++) {
    const id = history.cell(i, 2);
    let row = rows.get(id);
    if (row === undefined) rows.set(id, (row = { reads: [], changes: [] }));
    began = Math.min(began, history.cell(i, 4));
    const kind = history.cell(i, 1);
    if (kind === READ) {
      row.reads.push(i);
      reads++;
    } else {
      row.changes.push(i);
      invalidations++;
    }
  }
  const stale: StaleRead[] = [];
  let staleCount = 0;
  let notMonotonic = 0;
  const lags: number[] = [];
  const judge = (read: number, floor: Step | undefined, sink: boolean): void => {
    if (floor === undefined || history.cell(read, 3) >= floor.version || !sink) return;
    staleCount++;
    const start = history.cell(read, 4);
    if (stale.length < SHOWN) {
      stale.push({
        process: history.cell(read, 0),
        row: history.cell(read, 2),
        got: history.cell(read, 3),
        expected: floor.version,
        ageMs: (start - floor.time) / 1e6,
        by: floor.by,
        atSeconds: (start - began) / 1e9,
      });
    }
  };
  for (const { reads: readsOf, changes } of rows.values()) {
    readsOf.sort((a, b) => history.cell(a, 4) - history.cell(b, 4));
    const everywhere = floorsOf(history, changes, (i) => history.cell(i, 1) === DURABLE);
    const own = new Map<number, Step[]>();
    const seen = new Map<number, number>();
    const cursors = new Map<number, { other: number; own: number }>();
    for (const read of readsOf) {
      const process = history.cell(read, 0);
      const start = history.cell(read, 4);
      let mine = own.get(process);
      if (mine === undefined) {
        mine = floorsOf(
          history,
          changes,
          (i) => history.cell(i, 0) === process && [DURABLE, LOCAL].includes(history.cell(i, 1)),
        );
        own.set(process, mine);
      }
      let cursor = cursors.get(process);
      if (cursor === undefined) cursors.set(process, (cursor = { other: -1, own: -1 }));
      const bound = boundOf(process) * 1e6;
      while ((everywhere[cursor.other + 1]?.time ?? Infinity) + bound < start) cursor.other++;
      while ((mine[cursor.own + 1]?.time ?? Infinity) < start) cursor.own++;
      const before = staleCount;
      judge(read, everywhere[cursor.other], true);
      judge(read, mine[cursor.own], staleCount === before);
      const newest = seen.get(process) ?? -1;
      const version = history.cell(read, 3);
      if (version < newest) notMonotonic++;
      seen.set(process, Math.max(newest, version));
    }
    measureLags(history, readsOf, everywhere, lags);
  }
  const sorted = Float64Array.from(lags).sort();
  return {
    reads,
    invalidations,
    stale,
    staleCount,
    notMonotonic,
    lags: sorted,
    lagP50: quantile(sorted, 0.5),
    lagP99: quantile(sorted, 0.99),
    lagMax: quantile(sorted, 1),
  };
}

/** When the promised version of a row rose, and to what. */
function floorsOf(
  history: History,
  changes: readonly number[],
  counts: (i: number) => boolean,
): Step[] {
  const steps: Step[] = [];
  const sorted = changes.filter(counts).sort((a, b) => history.cell(a, 5) - history.cell(b, 5));
  for (const i of sorted) {
    const version = history.cell(i, 3);
    if (version > (steps.at(-1)?.version ?? -1))
      steps.push({ time: history.cell(i, 5), version, by: history.cell(i, 0) });
  }
  return steps;
}

function measureLags(
  history: History,
  readsOf: readonly number[],
  steps: readonly Step[],
  lags: number[],
): void {
  let from = 0;
  for (const step of steps) {
    while (from < readsOf.length && history.cell(readsOf[from] ?? 0, 4) < step.time) from++;
    const last = new Map<number, number>();
    for (let i = from; i < readsOf.length; i++) {
      const read = readsOf[i] ?? 0;
      const start = history.cell(read, 4);
      if (start > step.time + LAG_WINDOW_NS) break;
      const process = history.cell(read, 0);
      if (process === step.by) continue;
      const lag = history.cell(read, 3) < step.version ? (start - step.time) / 1e6 : 0;
      last.set(process, Math.max(last.get(process) ?? 0, lag));
    }
    for (const lag of last.values()) lags.push(lag);
  }
}

/** Fails with the first stale reads in full, so that a run can be understood from its output. */
export function assertNoStale(verdict: Verdict): void {
  if (verdict.staleCount === 0) return;
  const shown = verdict.stale.map((read) => JSON.stringify(read)).join('\n');
  throw new Error(
    `${String(verdict.staleCount)} of ${String(verdict.reads)} reads were stale, the first of them:\n${shown}`,
  );
}
