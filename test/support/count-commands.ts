import { connect, createServer, type Server, type Socket } from 'node:net';

/** What clients sent to a Redis server through this proxy. */
export interface CommandCounter {
  readonly url: string;
  /** The commands of `work`, by name and in order, and how many round trips they took. */
  count(work: () => Promise<unknown>): Promise<{ commands: string[]; roundTrips: number }>;
  close(): Promise<void>;
}

/** Commands of the connection itself, of its heartbeat and of the reader of notices. */
const HOUSEKEEPING: ReadonlySet<string> = new Set([
  ...['HELLO', 'CLIENT', 'PING', 'TIME', 'ROLE', 'INFO', 'XREAD', 'XINFO', 'XADD', 'XREVRANGE'],
  ...['AUTH', 'SELECT', 'COMMAND', 'CLUSTER', 'READONLY', 'WAIT'],
]);

/**
 * A proxy that counts. A round trip begins with a command that is sent when none is on its way, and
 * ends with the last of their replies.
 */
export async function countCommands(port: number): Promise<CommandCounter> {
  let commands: string[] = [];
  let roundTrips = 0;
  let pending = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.add(client).add(upstream);
    const requests = new Requests();
    /** Of the commands on their way, in order: is it counted? */
    const order: boolean[] = [];
    const replies = new Replies();
    client.on('data', (bytes) => {
      let isFirst = pending === 0;
      for (const name of requests.read(bytes)) {
        const isCounted = !HOUSEKEEPING.has(name);
        order.push(isCounted);
        if (!isCounted) continue;
        commands.push(name);
        pending++;
        if (isFirst) roundTrips++;
        isFirst = false;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      for (let i = replies.read(bytes); i > 0; i--) if (order.shift() === true) pending--;
      client.write(bytes);
    });
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `redis://127.0.0.1:${String(own)}`,
    async count(work) {
      commands = [];
      roundTrips = 0;
      await work();
      return { commands, roundTrips };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The names of the commands in a stream of requests. */
class Requests {
  #rest = Buffer.alloc(0);

  *read(bytes: Buffer): Iterable<string> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (let found = this.#next(); found !== undefined; found = this.#next()) yield found;
  }

  #next(): string | undefined {
    let at = 0;
    const line = (): string | undefined => {
      const end = this.#rest.indexOf('\r\n', at);
      if (end < 0) return undefined;
      const text = this.#rest.toString('latin1', at, end);
      at = end + 2;
      return text;
    };
    const head = line();
    if (head === undefined) return undefined;
    const parts: string[] = [];
    for (let i = Number(head.slice(1)); i > 0; i--) {
      const length = line();
      if (length === undefined) return undefined;
      const end = at + Number(length.slice(1));
      if (end + 2 > this.#rest.length) return undefined;
      if (parts.length === 0) parts.push(this.#rest.toString('latin1', at, end));
      at = end + 2;
    }
    this.#rest = this.#rest.subarray(at);
    return (parts[0] ?? '').toUpperCase();
  }
}

/** Counts complete replies (RESP2 and RESP3). */
class Replies {
  #rest = Buffer.alloc(0);

  read(bytes: Buffer): number {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    let count = 0;
    let at = 0;
    for (;;) {
      const isPush = this.#rest[at] === 0x3e;
      const end = this.#end(at);
      if (end === undefined) break;
      at = end;
      if (!isPush) count++;
    }
    this.#rest = this.#rest.subarray(at);
    return count;
  }

  /** Where the reply that begins at `at` ends. */
  #end(at: number): number | undefined {
    const lineEnd = this.#rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const type = String.fromCharCode(this.#rest[at] ?? 0);
    const length = Number(this.#rest.toString('latin1', at + 1, lineEnd));
    let end: number | undefined = lineEnd + 2;
    if ('$=!'.includes(type)) {
      if (length >= 0) end += length + 2;
      return end <= this.#rest.length ? end : undefined;
    }
    if (!'*~>%|'.includes(type)) return end;
    for (let i = '%|'.includes(type) ? 2 * length : length; i > 0; i--) {
      if (end === undefined) return undefined;
      end = this.#end(end);
    }
    return end;
  }
}
