import type { IncomingMessage, ServerResponse } from 'node:http';

/** The parts of an Express request and response that the controllers use. */
export type Request = Pick<IncomingMessage, 'method' | 'headers'>;
export type Response = Pick<ServerResponse, 'setHeader'> & { status(code: number): unknown };
