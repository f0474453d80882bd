import { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  CapturedResponse,
  captureReply,
  captureResponse,
} from '../../../lib/nest/http/response-capture.js';

class Http2Response {
  sent = 200;
  get statusCode(): number {
    return this.sent;
  }
  set statusCode(status: number) {
    this.sent = status;
  }
}

describe('the writes of a background run', () => {
  const open = () => {
    const response = new ServerResponse({
      method: 'GET',
      httpVersionMajor: 1,
      httpVersionMinor: 1,
    } as never);
    response.statusCode = 304;
    response.setHeader('x-out', '1');
    let aside: CapturedResponse | undefined;
    captureResponse(response, () => aside);
    const within = <T>(task: () => T, to = new CapturedResponse({ 'X-Before': '1' }, 200)): T => {
      aside = to;
      const result = task();
      aside = undefined;
      return result;
    };
    return { response, within };
  };

  it('separates the writes of a background run from those to the response', () => {
    const { response, within } = open();
    const aside = new CapturedResponse({ 'x-before': '1' }, 200);
    within(() => {
      expect([response.statusCode, response.getHeaders(), response.hasHeader('x-out')]).toEqual([
        200,
        { 'x-before': '1' },
        false,
      ]);
      response.statusCode = 203;
      expect(response.setHeader('X-In', 'a')).toBe(response);
      response.appendHeader('x-in', ['b', 'c']);
      response.removeHeader('x-before');
    }, aside);
    response.setHeader('x-out', '2');
    response.statusCode = 201;
    expect([response.statusCode, response.getHeaders()]).toEqual([201, { 'x-out': '2' }]);
    within(() => {
      expect([response.statusCode, response.getHeader('X-IN'), response.getHeaderNames()]).toEqual([
        203,
        ['a', 'b', 'c'],
        ['x-in'],
      ]);
    }, aside);
  });

  it('keeps the status accessor of an HTTP/2 response working', () => {
    const response = new Http2Response();
    const aside = new CapturedResponse({}, 200);
    let current: CapturedResponse | undefined = aside;
    captureResponse(response, () => current);
    response.statusCode = 404;
    expect([response.statusCode, response.sent, aside.status]).toEqual([404, 200, 404]);
    current = undefined;
    response.statusCode = 204;
    expect([response.statusCode, response.sent, aside.status]).toEqual([204, 204, 404]);
  });

  it('captures writes to a Fastify reply, where cookies accumulate', () => {
    const reply = {
      header: () => 'own',
      type: () => 'own',
      getHeader: () => 'own',
      getHeaders: () => 'own',
      hasHeader: () => 'own',
      removeHeader: () => 'own',
    } as unknown as Record<string, (...given: unknown[]) => unknown>;
    let current: CapturedResponse | undefined = new CapturedResponse({}, 200);
    captureReply(reply, () => current);
    reply.type?.('text/csv');
    reply.header?.('Set-Cookie', 'a=1');
    expect(reply.header?.('set-cookie', ['b=2', 'c=3'])).toBe(reply);
    reply.header?.('x-none');
    reply.header?.('x-gone', '1');
    expect(reply.removeHeader?.('X-Gone')).toBe(reply);
    expect(reply.getHeaders?.()).toEqual({
      'content-type': 'text/csv',
      'set-cookie': ['a=1', 'b=2', 'c=3'],
      'x-none': '',
    });
    current = undefined;
    expect([reply.header?.('x', 'y'), reply.getHeader?.('x')]).toEqual(['own', 'own']);
  });
});
