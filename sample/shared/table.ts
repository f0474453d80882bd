/** Formats rows as columns under a heading. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ');
  for (const row of [head, widths.map((width) => '-'.repeat(width)), ...rows])
    console.log(line(row).trimEnd());
}
