import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: string;
  readonly ms: number;
}

interface Counters {
  readonly statements: Record<string, number>;
}

/**
 * A client of one ledger over connections that stay open, so that the time measured is that of the
 * answer and not of the handshake.
 */
export class LedgerClient {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 2_000 });

  constructor(private readonly origin: string) {}

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('GET', path, headers);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.#send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body));
  }

  graphql(
    tenant: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    const headers = { 'content-type': 'application/json', 'x-tenant': tenant };
    return this.#send('POST', '/graphql', headers, JSON.stringify({ query, variables }));
  }

  /** One connection for each of these callers, opened beforehand. */
  async connect(callers: number): Promise<void> {
    await Promise.all(Array.from({ length: callers }, () => this.get('/cache')));
  }

  /** How often the statements of these names have run. */
  async executed(...names: readonly string[]): Promise<number> {
    const { body } = await this.get('/cache');
    const { statements } = JSON.parse(body) as Counters;
    return names.reduce((sum, name) => sum + (statements[name] ?? 0), 0);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    payload?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const start = performance.now();
      const outgoing = request(
        this.origin + path,
        { method, headers, agent: this.#agent },
        (incoming) => {
          let body = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (chunk: string) => (body += chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            resolve({
              status: incoming.statusCode ?? 0,
              etag: incoming.headers.etag,
              body,
              ms: performance.now() - start,
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }
}
