import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..', '..');

/** A script of the sample in a process of its own, as `npm start` and `npm run tour` run it. */
export class SampleProcess {
  output = '';
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(script: string, env: Record<string, string> = {}, ...args: readonly string[]) {
    this.child = spawn(process.execPath, [path.join(root, 'sample', script), ...args], {
      env: { ...process.env, DATABASE_URL: '', REDIS_URL: '', LEDGER_ENTRIES: '5000', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = once(this.child, 'close').then(() => ({
      code: this.child.exitCode,
      signal: this.child.signalCode,
    }));
  }

  /** Resolves with the match when the output has it; rejects when the process ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.child.stdout?.readableEnded === true)
        throw new Error(`Ended without saying ${pattern.source}:\n${this.output}`);
      await Promise.race([once(this.child.stdout ?? this.child, 'data'), this.exited]);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.exited;
  }
}

export interface Reply<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Requests to a running ledger. */
export class LedgerApi {
  constructor(private readonly origin: string) {}

  get<Body>(url: string, headers: Record<string, string> = {}): Promise<Reply<Body>> {
    // fetch would add `Cache-Control: no-cache` to a conditional request in its default mode; it
    // keeps no cache of its own in any mode.
    return this.send<Body>(url, { headers, cache: 'force-cache' });
  }

  async send<Body>(
    url: string,
    init: RequestInit & { readonly cache?: 'force-cache' },
  ): Promise<Reply<Body>> {
    const response = await fetch(this.origin + url, init);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (json ? JSON.parse(text) : text) as Body,
    };
  }

  write<Body>(method: 'POST' | 'PUT', url: string, body: unknown): Promise<Reply<Body>> {
    return this.send<Body>(url, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** How often each SQL statement ran while `work` ran. */
  async statementsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await this.statements();
    await work();
    const after = await this.statements();
    const changes = Object.entries(after).map(
      ([name, times]) => [name, times - (before[name] ?? 0)] as const,
    );
    return Object.fromEntries(changes.filter(([, times]) => times > 0));
  }

  private async statements(): Promise<Record<string, number>> {
    const { body } = await this.get<{ statements: Record<string, number> }>('/cache');
    return body.statements;
  }
}
