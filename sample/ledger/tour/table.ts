import type { Answer } from './ledger-client.js';

/**
 * One line of the tour: what was done, what came out, and whether that is what the cache promises.
 */
export interface Row {
  readonly what: string;
  readonly latency: string;
  readonly result: string;
  readonly good: boolean;
}

/** The median and the 99th percentile of the response times. */
export function latency(answers: readonly Answer[]): string {
  const sorted = answers.map((answer) => answer.ms).sort((a, b) => a - b);
  const at = (share: number) =>
    milliseconds(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `${at(0.5)} / ${at(0.99)}`;
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`;
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

export function printTable(rows: readonly Row[]): void {
  const lines = [
    ['', 'what', 'p50 / p99', 'result'],
    ...rows.map((row) => [row.good ? 'ok' : 'NOT OK', row.what, row.latency, row.result]),
  ];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
