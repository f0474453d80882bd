import type { Source } from './actor.js';

/** A database in this process. */
export class MemorySource implements Source {
  readonly #versions = new Map<number, number>();

  read(row: number): Promise<number> {
    return Promise.resolve(this.#versions.get(row) ?? 0);
  }

  write(rows: readonly number[]): Promise<number[]> {
    return Promise.resolve(
      rows.map((row) => {
        const version = (this.#versions.get(row) ?? 0) + 1;
        this.#versions.set(row, version);
        return version;
      }),
    );
  }
}
