import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { All, Controller, GatewayTimeoutException, Req, Res, type Type } from '@nestjs/common';

interface PassthroughResponse {
  statusCode?: number;
  status(code: number): unknown;
  header(name: string, value: string | string[]): unknown;
}

/** What the origin sends for one connection of its own, which Node.js makes anew. */
const OWN = new Set(['transfer-encoding', 'keep-alive', 'content-length']);

/**
 * A controller whose only handler fetches its answer from an origin server: status, headers and
 * body, as they come.
 */
export function bridgeTo(originPort: number, decorate: MethodDecorator): Type {
  @Controller('test')
  class Bridge {
    @All([':id', ':id/:file'])
    @decorate
    async forward(
      @Req() req: IncomingMessage & { raw?: IncomingMessage; body?: unknown },
      @Res({ passthrough: true }) res: PassthroughResponse,
    ): Promise<string> {
      const answer = await ask(originPort, req.raw ?? req);
      res.status(answer.status);
      for (const [name, values] of answer.headers) {
        const [only] = values;
        if (!OWN.has(name.toLowerCase()))
          res.header(name, values.length === 1 && only !== undefined ? only : values);
      }
      return answer.body;
    }
  }
  return Bridge;
}

interface OriginAnswer {
  readonly status: number;
  readonly headers: Map<string, string[]>;
  readonly body: string;
}

function ask(port: number, incoming: IncomingMessage): Promise<OriginAnswer> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer = response;
        const done = (): void => {
          const headers = new Map<string, string[]>();
          for (let i = 0; i < response.rawHeaders.length; i += 2) {
            const name = (response.rawHeaders[i] ?? '').toLowerCase();
            headers.set(name, [...(headers.get(name) ?? []), response.rawHeaders[i + 1] ?? '']);
          }
          resolve({
            status: response.statusCode ?? 0,
            headers,
            body: Buffer.concat(chunks).toString('utf8'),
          });
        };
        response.on('end', done);
      },
    );
    outgoing.on('error', () => {
      // A body longer than its Content-Length ends in a parse error after the declared bytes.
      if (answer?.complete !== true) reject(new GatewayTimeoutException());
    });
    if (incoming.readableEnded) outgoing.end();
    else incoming.pipe(outgoing);
  });
}

/** Lets what the test client tells the origin through, past Nest. */
export function letThrough(originPort: number) {
  return (req: IncomingMessage, res: ServerResponse, next: () => void): void => {
    if (req.url?.startsWith('/test/') === true) {
      next();
      return;
    }
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: originPort,
        method: req.method,
        path: req.url,
        headers: req.headers,
        agent: false,
      },
      (response) => {
        res.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(res);
      },
    );
    outgoing.on('error', () => res.destroy());
    req.pipe(outgoing);
  };
}
