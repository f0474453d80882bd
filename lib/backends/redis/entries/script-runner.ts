import { createHash } from 'node:crypto';
import type { Argument, Command, ReplyHandler } from '../connection/client-adapter.js';
import type { Connection } from '../connection/connection.js';
import type { Millis } from '../../../ports/time.js';
import { asError } from '../connection/errors.js';

export interface Script {
  readonly name: string;
  readonly source: string;
  /**
   * Also runs when the server is out of memory: it frees memory, or must not fail. Servers before
   * Redis 7 ignore it.
   */
  readonly allowOutOfMemory?: boolean;
}

interface HowToRun extends Pick<Command, 'timeoutMs' | 'reply' | 'last'> {
  /** Called when the server did not know the script, so that it is sent once more. */
  readonly onRepeat?: () => void;
}

interface Prepared {
  readonly source: string;
  readonly sha: string;
}

interface Run {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  readonly how: HowToRun;
  readonly startedAt: Millis;
}

const FLAGS = '#!lua flags=allow-oom\n';

/**
 * Runs scripts by their hash; the source is sent only when the server does not know it (first use,
 * restart, SCRIPT FLUSH).
 */
export class ScriptRunner {
  readonly #prepared = new Map<Script, Prepared>();
  #flags = true;

  constructor(private readonly connection: Connection) {}

  run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    how: HowToRun = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.runTo({ resolve, reject }, script, keys, args, how);
    });
  }

  /** As `run`, without a promise: for the scripts of a call. */
  runTo(
    handler: ReplyHandler,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    how: HowToRun = {},
  ): void {
    const run = { script, keys, args, how, startedAt: performance.now() };
    const { resolve, reject } = handler;
    this.#send(run, 'EVALSHA', this.#prepare(script).sha, {
      resolve,
      reject: (error) => {
        if (!hasMessage(error, /NOSCRIPT/)) {
          reject(error);
          return;
        }
        how.onRepeat?.();
        this.#sendSource(run, handler);
      },
    });
  }

  #sendSource(run: Run, { resolve, reject }: ReplyHandler): void {
    this.#send(run, 'EVAL', this.#prepare(run.script).source, {
      resolve,
      reject: (error) => {
        if (!this.#flags || !hasMessage(error, /compiling script|unexpected symbol near '#'/i)) {
          reject(error);
          return;
        }
        // a server before version 7 knows no flags
        this.#flags = false;
        this.#prepared.clear();
        this.#send(run, 'EVAL', this.#prepare(run.script).source, { resolve, reject });
      },
    });
  }

  #send(
    { script, keys, args, how, startedAt }: Run,
    command: 'EVALSHA' | 'EVAL',
    first: string,
    handler: ReplyHandler,
  ): void {
    const { timeoutMs, reply, last } = how;
    const elapsed = performance.now() - startedAt;
    this.connection.sendTo(handler, {
      key: keys[0] ?? '',
      args: [command, first, String(keys.length), ...keys, ...args],
      name: script.name,
      write: true,
      reply,
      last,
      // when the first attempt took all the time because this process was busy, the second still
      // gets a chance
      timeoutMs: timeoutMs === undefined ? undefined : Math.max(timeoutMs - elapsed, timeoutMs / 4),
    });
  }

  #prepare(script: Script): Prepared {
    let prepared = this.#prepared.get(script);
    if (prepared === undefined) {
      const source =
        script.allowOutOfMemory === true && this.#flags ? FLAGS + script.source : script.source;
      prepared = { source, sha: createHash('sha1').update(source).digest('hex') };
      this.#prepared.set(script, prepared);
    }
    return prepared;
  }
}

function hasMessage(thrown: unknown, what: RegExp): boolean {
  const error = asError(thrown);
  return what.test(error.message);
}
