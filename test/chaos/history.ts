/**
 * What happened, as a row of numbers; times are nanoseconds of the host's monotonic clock, one for
 * all its processes.
 */
export const READ = 0;
/**
 * An invalidation that was acknowledged as durable; `version` is the one the database had before it
 * was sent.
 */
export const DURABLE = 1;
/**
 * An invalidation that was acknowledged as not durable: it holds in its own process only, until it
 * was replayed.
 */
export const LOCAL = 2;

const COLUMNS = 6;
const FIRST_ROWS = 1_024;

export function monotonic(): number {
  return Number(process.hrtime.bigint());
}

/** Operations of one or more processes, as compact as it takes to keep millions. */
export class History {
  #cells = new Float64Array(FIRST_ROWS * COLUMNS);
  length = 0;

  add(
    process: number,
    kind: number,
    row: number,
    version: number,
    start: number,
    end: number,
  ): void {
    if ((this.length + 1) * COLUMNS > this.#cells.length) {
      const cells = new Float64Array(this.#cells.length * 2);
      cells.set(this.#cells);
      this.#cells = cells;
    }
    const at = this.length++ * COLUMNS;
    const cells = this.#cells;
    cells[at] = process;
    cells[at + 1] = kind;
    cells[at + 2] = row;
    cells[at + 3] = version;
    cells[at + 4] = start;
    cells[at + 5] = end;
  }

  cell(row: number, column: number): number {
    return this.#cells[row * COLUMNS + column] ?? NaN;
  }

  /** For sending; the receiver uses `append`. */
  cells(): Float64Array {
    return this.#cells.slice(0, this.length * COLUMNS);
  }

  append(cells: Float64Array): void {
    for (let at = 0; at + COLUMNS <= cells.length; at += COLUMNS) {
      this.add(
        cells[at] ?? NaN,
        cells[at + 1] ?? NaN,
        cells[at + 2] ?? NaN,
        cells[at + 3] ?? NaN,
        cells[at + 4] ?? NaN,
        cells[at + 5] ?? NaN,
      );
    }
  }

  clear(): void {
    this.#cells = new Float64Array(FIRST_ROWS * COLUMNS);
    this.length = 0;
  }
}
