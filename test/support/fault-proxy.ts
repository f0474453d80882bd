import { createServer, connect, type Server, type Socket } from 'node:net';

export type Direction = 'to server' | 'to client' | 'both';

/**
 * Stands between a client and a server and spoils the link on demand. Everything it is told holds
 * for open and later connections alike.
 */
export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Connections accepted so far, and open now. */
  readonly accepted: number;
  readonly open: number;
  /** Back to a healthy link; bytes that were swallowed stay lost. */
  pass(): void;
  /** Every chunk arrives this much later, in order. */
  delay(ms: number): void;
  /** Bytes vanish; nobody is told. */
  swallow(direction?: Direction): void;
  /** Connections are refused or cut at once. */
  refuse(): void;
  /** Cuts all open connections with RST; new ones work. */
  reset(): void;
  /** Ends the sending side of all open connections towards the client (FIN), keeps reading. */
  halfClose(): void;
  /**
   * The next answer of each open connection stops after so many bytes; the rest of what the server
   * says is swallowed.
   */
  truncate(bytes: number): void;
  /**
   * Sends bytes that are no protocol to all open clients, in place of what the server says from now
   * on.
   */
  garbage(bytes?: Uint8Array): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of answers that may still pass; undefined: all. */
  allowance: number | undefined;
}

export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let delayMs = 0;
  let swallowing: Direction | undefined;
  let refusing = false;
  let accepted = 0;

  const swallows = (direction: Direction): boolean =>
    swallowing === 'both' || swallowing === direction;
  const later = (task: () => void): void => {
    if (delayMs === 0) task();
    else setTimeout(task, delayMs);
  };
  const listener: Server = createServer((client) => {
    accepted++;
    if (refusing) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect(target, '127.0.0.1');
    const pair: Pair = { client, server, allowance: undefined };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (chunk: Buffer) => {
      if (!swallows('to server')) later(() => void server.write(chunk));
    });
    server.on('data', (chunk: Buffer) => {
      if (swallows('to client')) return;
      const part = pair.allowance === undefined ? chunk : chunk.subarray(0, pair.allowance);
      if (pair.allowance !== undefined) pair.allowance -= part.length;
      if (part.length > 0) later(() => void client.write(part));
    });
  });
  await new Promise<void>((resolve, reject) => {
    listener.on('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const reset = (): void => {
    for (const pair of pairs) {
      pair.client.resetAndDestroy();
      pair.server.destroy();
    }
  };
  return {
    port,
    url: `redis://127.0.0.1:${String(port)}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return pairs.size;
    },
    pass() {
      delayMs = 0;
      swallowing = undefined;
      refusing = false;
    },
    delay(ms) {
      delayMs = ms;
    },
    swallow(direction = 'both') {
      swallowing = direction;
    },
    refuse() {
      refusing = true;
      reset();
    },
    reset,
    halfClose() {
      for (const pair of pairs) pair.client.end();
    },
    truncate(bytes) {
      for (const pair of pairs) pair.allowance = bytes;
    },
    garbage(bytes = Buffer.from('\u0000\u0001HTTP/1.1 400 Bad Request\r\n\r\n!!')) {
      for (const pair of pairs) {
        pair.allowance = 0;
        pair.client.write(bytes);
      }
    },
    async close() {
      reset();
      await new Promise<void>((resolve) => {
        listener.close(() => {
          resolve();
        });
      });
    },
  };
}
