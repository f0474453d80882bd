import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { sqlState, type Database } from '../database/database.js';
import { isQuestion, PARENT_URL, type Answer } from '../database/parent-protocol.js';

/** The ledger in a process of its own. */
export interface LedgerProcess {
  readonly origin: string;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the ledger on a free port, with its own database or the given one. Its output is shown
 * only when it fails.
 */
export async function startLedger(
  env: Record<string, string>,
  database?: Database,
): Promise<LedgerProcess> {
  const child = fork(path.join(import.meta.dirname, '..', 'main.js'), {
    env: { ...process.env, PORT: '0', ...(database && { DATABASE_URL: PARENT_URL }), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit');
  if (database !== undefined) answerQuestions(child, database);

  const failed = exited.then((): never => {
    throw new Error(`The ledger did not start:\n${output}`);
  });
  const origin = await Promise.race([originOf(child), failed]);
  failed.catch(() => undefined);
  return {
    origin,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

function originOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if (typeof message === 'object' && 'origin' in message && typeof message.origin === 'string')
        resolve(message.origin);
    });
  });
}

function answerQuestions(child: ChildProcess, database: Database): void {
  const answer = async (question: number, rows: Promise<readonly unknown[]>): Promise<Answer> => {
    try {
      return { answer: question, rows: await rows };
    } catch (error) {
      return {
        answer: question,
        error: {
          message: error instanceof Error ? error.message : String(error),
          code: sqlState(error),
        },
      };
    }
  };
  child.on('message', (message) => {
    if (!isQuestion(message)) return;
    void answer(message.question, database.query(message.statement)).then((reply) => {
      // The process may have ended meanwhile: then nothing waits for the event.
      if (child.connected) child.send(reply, () => undefined);
    });
  });
}
