import { parseArgs } from 'node:util';

const MOST = 8;

/**
 * `--processes N`: how many ledgers the tour visits. Default 1. @throws Error with a message for
 * the user
 */
export function readProcesses(args: readonly string[]): number {
  const text = readOption(args);
  const processes = Number(text);
  if (/^\d+$/.test(text) && processes >= 1 && processes <= MOST) return processes;
  throw new Error(
    `--processes must be a whole number from 1 to ${MOST}, but is '${text}'. For example: npm run tour -- --processes 2`,
  );
}

function readOption(args: readonly string[]): string {
  try {
    return parseArgs({ args: [...args], options: { processes: { type: 'string', default: '1' } } })
      .values.processes;
  } catch (error) {
    throw new Error(
      'The tour knows only --processes N. For example: npm run tour -- --processes 2',
      { cause: error },
    );
  }
}
