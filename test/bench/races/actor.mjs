import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PENDING, within } from '../lib/within.mjs';

const program = fileURLToPath(new URL('actor-process.mjs', import.meta.url));

/** A process with one library in it, and how to talk to it. */
export class Actor {
  #child;
  #next = 0;
  #waiting = new Map();
  #database;
  ended = false;

  static async start(library, setup, database) {
    const actor = new Actor();
    actor.#database = database;
    actor.#child = fork(program, [library.href, setup.name], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let printed = '';
    actor.#child.stderr.on('data', (text) => (printed = (printed + text).slice(-2_000)));
    const ready = new Promise((resolve, reject) => {
      actor.#child.on('message', (message) => {
        if (message.ready) resolve();
        else void actor.#heard(message);
      });
      actor.#child.once('exit', () => {
        actor.ended = true;
        for (const waiting of actor.#waiting.values())
          waiting.resolve({ error: 'the process ended' });
        actor.#waiting.clear();
        reject(new Error(`the process of ${library.name} ended: ${printed}`));
      });
    });
    ready.catch(() => undefined);
    if ((await within(60_000, ready)) === PENDING)
      throw new Error(`the process of ${library.name} did not start within 60 s: ${printed}`);
    return actor;
  }

  #heard(message) {
    if ('load' in message) {
      return this.#database.load(message.key).then(
        (value) =>
          this.#tell({ loaded: message.load, value: value === undefined ? 'undefined' : value }),
        (error) => this.#tell({ loaded: message.load, error: error.message }),
      );
    }
    const { resolve, reject } = this.#waiting.get(message.done);
    this.#waiting.delete(message.done);
    if ('error' in message) reject(new Error(message.error));
    else resolve(message.result);
    return undefined;
  }

  #tell(message) {
    if (!this.ended && this.#child.connected) this.#child.send(message, () => undefined);
  }

  ask(operation, given = {}) {
    if (this.ended) return Promise.resolve({ error: 'the process ended' });
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    this.#tell({ ...given, operation, id });
    return answer;
  }

  /** `{ value }` or `{ error }`. */
  read(key, tags) {
    return this.ask('read', { key, tags });
  }

  async stop() {
    if (this.ended) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    void this.ask('close');
    if ((await within(1_500, gone)) === PENDING) this.#child.kill('SIGKILL');
    await gone;
  }
}
