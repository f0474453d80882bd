/** A calendar month in UTC, written `2026-01`. */
export class Month {
  private constructor(
    readonly text: string,
    /** The first instant of the month. */
    readonly start: Date,
    /** The first instant of the next month. */
    readonly end: Date,
  ) {}

  /** Undefined when the string is not a month. */
  static parse(text: string): Month | undefined {
    const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text);
    if (match === null) return undefined;
    const year = Number(match[1]);
    const index = Number(match[2]) - 1;
    return new Month(text, new Date(Date.UTC(year, index)), new Date(Date.UTC(year, index + 1)));
  }

  toString(): string {
    return this.text;
  }
}
