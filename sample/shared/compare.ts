import type { INestApplication } from '@nestjs/common';
import { run } from './run.js';
import { printTable } from './table.js';

/** An action that the two applications carry out in different ways. */
export interface Difference<Client> {
  readonly what: string;
  readonly look: (client: Client) => Promise<string>;
}

/** Runs both applications, sends them the same requests, and prints what they did. */
export function compare<Client>(
  applications: { readonly before: INestApplication; readonly after: INestApplication },
  clientOf: (origin: string) => Client,
  differences: readonly Difference<Client>[],
): Promise<void> {
  return run(applications, async ({ before, after }) => {
    const [old, moved] = [clientOf(before), clientOf(after)];
    const rows: string[][] = [];
    for (const { what, look } of differences) rows.push([what, await look(old), await look(moved)]);
    printTable(['what', 'before', 'after'], rows);
  });
}
