import { connect, type Socket } from 'node:net';

/** A connection to the database process. */
export class Database {
  readonly #waiting = new Map<number, (answer: string) => void>();
  readonly #socket: Socket;
  #count = 0;
  #rest = '';

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString()).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const space = line.indexOf(' ');
        const id = Number(line.slice(0, space));
        this.#waiting.get(id)?.(line.slice(space + 1));
        this.#waiting.delete(id);
      }
    });
  }

  async read(row: number, lagMs = 0): Promise<number> {
    return Number(await this.#ask(`R ${String(row)} ${String(lagMs)}`));
  }

  /** Raises the versions of the rows at one moment. */
  async write(rows: readonly number[]): Promise<number[]> {
    return rows.length === 0 ? [] : (await this.#ask(`W ${rows.join(',')}`)).split(',').map(Number);
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(command: string): Promise<string> {
    const id = ++this.#count;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(`${String(id)} ${command}\n`);
    });
  }
}
