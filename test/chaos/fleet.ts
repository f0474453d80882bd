import { type ChildProcess, fork } from 'node:child_process';
import type { RedisServer } from '../support/redis.js';
import { check, type BoundOf, type Verdict } from './checker.js';
import { compiled } from './compiled.js';
import { Database } from './database.js';
import { History } from './history.js';
import type { Answers, Command, OpenOptions } from './worker-messages.js';

type Opening = Pick<OpenOptions, 'url' | 'cache' | 'commandTimeout'>;

interface Message {
  readonly id?: number;
  readonly answer?: unknown;
  readonly error?: string;
  readonly event?: 'ready' | 'holding' | 'unhandled' | 'warning';
}

/** A child process of the fleet. */
export class WorkerHandle {
  readonly unhandled: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #count = 0;
  readonly ready: Promise<void>;
  #onHolding: () => void = () => undefined;

  constructor(readonly index: number) {
    const child = fork(compiled('worker-process.ts'), [], {
      serialization: 'advanced',
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.ready = new Promise((resolve) => {
      child.on('message', (message: Message) => {
        if (message.event === 'ready') resolve();
        else this.#hear(message);
      });
    });
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The process has ended.'));
      this.#waiting.clear();
    });
  }

  tell<Name extends Command['do']>(
    command: Extract<Command, { do: Name }>,
  ): Promise<Answers[Name]> {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as Answers[Name]), reject });
      this.#child.send({ id, command });
    });
  }

  /** Settles when all productions of the next burst with `hold` are under way. */
  holding(): Promise<void> {
    return new Promise((resolve) => (this.#onHolding = resolve));
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }
  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #hear(message: Message): void {
    if (message.event === 'holding') this.#onHolding();
    else if (message.event !== undefined) this.unhandled.push(message.error ?? '');
    else {
      const waiting = this.#waiting.get(message.id ?? 0);
      this.#waiting.delete(message.id ?? 0);
      if (message.error === undefined) waiting?.resolve(message.answer);
      else waiting?.reject(new Error(message.error));
    }
  }
}

/** Worker processes and the database they share. */
export class Fleet {
  private constructor(
    readonly workers: WorkerHandle[],
    readonly database: Database,
    readonly databasePort: number,
    readonly databaseProcess: ChildProcess,
  ) {}

  static async start(size: number): Promise<Fleet> {
    const databaseProcess = fork(compiled('database-process.ts'), [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const port = await new Promise<number>((resolve) => databaseProcess.once('message', resolve));
    const workers = Array.from({ length: size }, (_, index) => new WorkerHandle(index));
    await Promise.all(workers.map((worker) => worker.ready));
    return new Fleet(workers, new Database(port), port, databaseProcess);
  }

  /** A new process in the place of one that was killed. */
  async replace(index: number): Promise<void> {
    const worker = new WorkerHandle(index);
    await worker.ready;
    this.workers[index] = worker;
  }

  /** Opens a cache in every process. */
  async open(rows: number, optionsOf: (index: number) => Opening): Promise<void> {
    await Promise.all(
      this.workers.map((worker) => this.openOne(worker, rows, optionsOf(worker.index))),
    );
  }

  async openOne(worker: WorkerHandle, rows: number, opening: Opening): Promise<void> {
    const options: OpenOptions = {
      ...opening,
      rows,
      processes: this.workers.length,
      index: worker.index,
      databasePort: this.databasePort,
    };
    await worker.tell<'open'>({ do: 'open', options });
  }

  all<Name extends Command['do']>(
    commandOf: (index: number) => Extract<Command, { do: Name }>,
  ): Promise<Answers[Name][]> {
    return Promise.all(this.workers.map((worker) => worker.tell<Name>(commandOf(worker.index))));
  }

  async check(boundOf: BoundOf): Promise<Verdict> {
    const history = new History();
    for (const cells of await this.all<'history'>(() => ({ do: 'history' }))) history.append(cells);
    return check(history, boundOf);
  }

  /** After quiesce: what every process gives for every row, against the database. */
  async audit(rows: number): Promise<{ looked: number; found: number; old: string[] }> {
    const ids = Array.from({ length: rows }, (_, id) => id);
    const truth = await Promise.all(ids.map((id) => this.database.read(id)));
    const old: string[] = [];
    let found = 0;
    // twice: the first look may fill L1 from L2, the second then looks into L1
    for (let round = 0; round < 2; round++) {
      const looks = await this.all<'look'>(() => ({ do: 'look', rows: ids }));
      looks.forEach((versions, process) => {
        versions.forEach((version, id) => {
          if (version === undefined) return;
          found++;
          if (version < (truth[id] ?? 0))
            old.push(
              `process ${String(process)} row ${String(id)}: ${String(version)} instead of ${String(truth[id])}`,
            );
        });
      });
    }
    return { looked: 2 * rows * this.workers.length, found, old };
  }

  get unhandled(): string[] {
    return this.workers.flatMap((worker) => worker.unhandled);
  }

  async stop(): Promise<void> {
    this.database.close();
    await Promise.all(this.workers.map((worker) => worker.kill()));
    const gone = new Promise((resolve) => this.databaseProcess.once('exit', resolve));
    this.databaseProcess.kill('SIGKILL');
    await gone;
  }
}

/** Leases that are left in Redis. */
export async function leases(redis: RedisServer): Promise<string[]> {
  return (await redis.command('KEYS', '*:l')) as string[];
}

/** Open connections of Redis; the one that asks is one of them. */
export async function connections(redis: RedisServer): Promise<number> {
  return String(await redis.command('CLIENT', 'LIST'))
    .trim()
    .split('\n').length;
}
