import { readProcesses } from './arguments.js';
import { visitOneProcess } from './one-process.js';
import { visitSeveralProcesses } from './several-processes.js';
import { Stage } from './stage.js';
import { printTable } from './table.js';

/** @throws Error with a message for the user when the tour cannot be made */
export async function tour(args: readonly string[]): Promise<void> {
  const processes = readProcesses(args);
  const stage = new Stage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stage.endAll().then(() => process.exit(130)));
  try {
    await (processes === 1 ? visitOneProcess(stage) : visitSeveralProcesses(stage, processes));
  } finally {
    await stage.endAll();
  }

  console.log();
  printTable(stage.rows);
  const broken = stage.rows.filter((row) => !row.good).length;
  console.log(broken === 0 ? '\nAll as promised.' : `\n${broken} NOT as promised.`);
  process.exitCode = broken === 0 ? 0 : 1;
}
