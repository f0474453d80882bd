import { createHash } from 'node:crypto';
import type { Argument, Command } from '../connection/client-adapter.js';
import type { Connection } from '../connection/connection.js';
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

const FLAGS = '#!lua flags=allow-oom\n';

/**
 * Runs scripts by their hash; the source is sent only when the server does not know it (first use,
 * restart, SCRIPT FLUSH).
 */
export class ScriptRunner {
  readonly #prepared = new Map<Script, Prepared>();
  #flags = true;

  constructor(private readonly connection: Connection) {}

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    how: HowToRun = {},
  ): Promise<unknown> {
    const { timeoutMs, onRepeat, ...rest } = how;
    const until = timeoutMs === undefined ? 0 : performance.now() + timeoutMs;
    const call = (name: string, first: string): Promise<unknown> =>
      this.connection.send({
        key: keys[0] ?? '',
        args: [name, first, String(keys.length), ...keys, ...args],
        name: script.name,
        write: true,
        // when the first attempt took all the time because this process was busy, the second still
        // gets a chance
        ...(timeoutMs === undefined
          ? rest
          : { ...rest, timeoutMs: Math.max(until - performance.now(), timeoutMs / 4) }),
      });
    const { sha, source } = this.#prepare(script);
    try {
      return await call('EVALSHA', sha);
    } catch (error) {
      if (!hasMessage(error, /NOSCRIPT/)) throw error;
      onRepeat?.();
    }
    try {
      return await call('EVAL', source);
    } catch (error) {
      if (!this.#flags || !hasMessage(error, /compiling script|unexpected symbol near '#'/i))
        throw error;
    }
    // a server before version 7 knows no flags
    this.#flags = false;
    this.#prepared.clear();
    return call('EVAL', this.#prepare(script).source);
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
