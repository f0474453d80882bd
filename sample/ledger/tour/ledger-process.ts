import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** The ledger in a process of its own. */
export interface LedgerProcess {
  readonly origin: string;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

/** Starts the ledger on a free port. Its output is shown only when it fails. */
export async function startLedger(env: Record<string, string>): Promise<LedgerProcess> {
  const child = fork(path.join(import.meta.dirname, '..', 'main.js'), {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit');

  const failed = exited.then((): never => {
    throw new Error(`The ledger did not start:\n${output}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [{ origin: string }];
  failed.catch(() => undefined);
  return {
    origin: message.origin,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}
