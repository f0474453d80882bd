import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Kept {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly keys: readonly string[];
  readonly until: number;
}

/**
 * Stands for a CDN, on a real socket. It stores what `CDN-Cache-Control: max-age` allows, by URL
 * alone, and removes it when `PURGE` names one of its surrogate keys. Like other CDNs, it does not
 * pass these two headers on.
 */
export class TinyCdn {
  readonly #kept = new Map<string, Kept>();
  #purges = 0;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) =>
      response.writeHead(502).end(String(error)),
    );
  });

  constructor(private readonly origin: () => Promise<string>) {}

  async listen(port: number, host: string): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  async getUrl(): Promise<string> {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    if (method === 'PURGE') {
      this.#purge(String(headers['surrogate-key']).split(' '));
      response.writeHead(204).end();
      return;
    }
    const kept = method === 'GET' ? this.#kept.get(url) : undefined;
    if (kept !== undefined && kept.until > Date.now()) {
      send(response, kept, 'hit');
      return;
    }
    const purges = this.#purges;
    const fetched = await this.#fetch(request);
    // A response that was on its way during a purge may be older than the purge.
    const keeps =
      method === 'GET' &&
      fetched.status === 200 &&
      fetched.until > Date.now() &&
      purges === this.#purges;
    if (keeps) this.#kept.set(url, fetched);
    send(response, fetched, keeps ? 'miss' : 'pass');
  }

  async #fetch(request: IncomingMessage): Promise<Kept> {
    const sent = Object.entries(request.headers).flatMap(([name, value]) =>
      ['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)
        ? []
        : [[name, String(value)] as [string, string]],
    );
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
    const { method = 'GET', url = '/' } = request;
    const response = await fetch((await this.origin()) + url, { method, headers: sent, ...body });
    const { status, headers } = response;
    const seconds =
      Number(/\bmax-age=(\d+)/.exec(headers.get('cdn-cache-control') ?? '')?.[1] ?? 0) -
      Number(headers.get('age') ?? 0);
    return {
      status,
      headers,
      body: Buffer.from(await response.arrayBuffer()),
      keys: headers.get('surrogate-key')?.split(' ') ?? [],
      until: Date.now() + 1000 * seconds,
    };
  }

  #purge(keys: readonly string[]): void {
    this.#purges++;
    for (const [url, kept] of this.#kept)
      if (kept.keys.some((key) => keys.includes(key))) this.#kept.delete(url);
  }
}

function send(
  response: ServerResponse,
  { status, headers, body }: Kept,
  said: 'hit' | 'miss' | 'pass',
): void {
  const own = [
    'cdn-cache-control',
    'surrogate-key',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'content-length',
    'content-encoding',
  ];
  for (const [name, value] of headers) if (!own.includes(name)) response.setHeader(name, value);
  response.writeHead(status, { 'x-cdn': said }).end(body);
}
