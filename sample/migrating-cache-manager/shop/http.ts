import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the controllers use of a request and a response of Express. */
export type Request = Pick<IncomingMessage, 'method' | 'headers'>;
export type Response = Pick<ServerResponse, 'setHeader'> & { status(code: number): unknown };
