import { type OutgoingHeaders, requestHeader, type RequestHeaders } from '../../http/headers.js';
import { pathOf } from '../../http/query.js';
import { type CurrentCapture, captureReply, captureResponse } from './response-capture.js';

interface RawResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  once(event: 'finish' | 'close', listener: () => void): unknown;
}

interface ExpressResponse extends RawResponse {
  statusCode: number;
  readonly app?: { get(setting: string): unknown };
  getHeaders(): OutgoingHeaders;
  hasHeader(name: string): boolean;
  setHeader(name: string, value: string | readonly string[]): unknown;
  removeHeader(name: string): unknown;
}

interface FastifyReply {
  readonly raw: ExpressResponse;
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): unknown;
  getHeaders(): OutgoingHeaders;
  hasHeader(name: string): boolean;
  header(name: string, value: string | readonly string[]): unknown;
  removeHeader(name: string): unknown;
  serialize(payload: unknown): unknown;
}

/** The common part of the requests of Express and Fastify. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: RequestHeaders;
  readonly params?: Readonly<Record<string, string | undefined>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly user?: unknown;
  /** The requested host with its port; with `trust proxy` and the like, as the client sent it. */
  readonly host?: string;
  /** The scheme; with `trust proxy` and the like, as a proxy says that the client used it. */
  readonly protocol?: string;
  /** Express: where the router that handles the request is mounted. */
  readonly baseUrl?: string;
  readonly socket?: { readonly authorized?: boolean };
  /** Fastify: the request that middleware sees. */
  readonly raw?: { readonly user?: unknown; readonly stream?: Http2Stream };
  /** HTTP/2, on Express. */
  readonly stream?: Http2Stream;
}

/** The part of an HTTP/2 stream that says whether its request has a body. */
interface Http2Stream {
  readonly endAfterHeaders?: boolean;
}

/** One request and its response, the same on Express and Fastify. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly method: string;
  /** The URL as the client sent it. */
  readonly url: string;
  /** The path as the client sent it; never decoded or normalized. */
  readonly path: string;
  /** What follows the path: the raw query with its `?`, and what a client sent after a `#`. */
  readonly search: string;
  /**
   * The URL that the route was found by, where `rewriteUrl` or middleware has changed the one that
   * the client sent; else undefined.
   */
  readonly rewritten: string | undefined;
  /**
   * Scheme and host of the target URI in lower case, as the platform reports them; and the `Host`
   * that was received, where it is another one: behind a trusted proxy a handler may read both.
   */
  readonly origin: string;
  /** The request has a body whose headers do not say so, which HTTP/2 allows. */
  readonly hasUnannouncedBody: boolean;
  readonly headers: RequestHeaders;
  status: number;
  /** The `Cache-Status` member that this cache has set. */
  cacheStatus: string | undefined;
  outgoing(): OutgoingHeaders;
  hasHeader(name: string): boolean;
  setHeader(name: string, value: string | readonly string[]): void;
  removeHeader(name: string): void;
  readonly isSent: boolean;
  /** Resolves once the response is sent or its connection is closed. */
  whenSent(): Promise<void>;
  /** The text the platform would send for an object; undefined when it would send none. */
  toJson(value: object): string | undefined;
  /** From now on writes to the response go to the current capture. Once per exchange. */
  captureWrites(current: CurrentCapture): void;
}

export function exchangeOf(request: HttpRequest, response: object): Exchange {
  return 'raw' in response
    ? new FastifyExchange(request, response as FastifyReply)
    : new ExpressExchange(request, response as ExpressResponse);
}

abstract class BaseExchange {
  readonly url: string;
  readonly rewritten: string | undefined;
  /** Read once: on both platforms it is a getter. */
  readonly headers: RequestHeaders;
  cacheStatus: string | undefined;
  #origin: string | undefined;

  constructor(readonly request: HttpRequest) {
    const { url, originalUrl = url, baseUrl, headers } = request;
    const routed = baseUrl === undefined || baseUrl === '' ? url : baseUrl + url;
    this.url = originalUrl;
    this.rewritten = routed === originalUrl ? undefined : routed;
    this.headers = headers;
  }

  get method(): string {
    return this.request.method;
  }

  get path(): string {
    return pathOf(this.url);
  }

  get search(): string {
    return this.url.slice(pathOf(this.url).length);
  }

  get origin(): string {
    return (this.#origin ??= originOf(this.request, this.headers));
  }

  get hasUnannouncedBody(): boolean {
    const { raw, stream = raw?.stream } = this.request;
    return stream?.endAfterHeaders === false && this.headers['content-length'] === undefined;
  }
}

function originOf({ protocol = 'http', host }: HttpRequest, headers: RequestHeaders): string {
  const received = requestHeader(headers, 'host') ?? requestHeader(headers, ':authority') ?? '';
  const origin = `${protocol}://${host ?? received}`;
  return (host ?? received) === received
    ? origin.toLowerCase()
    : `${origin} ${received}`.toLowerCase();
}

class ExpressExchange extends BaseExchange implements Exchange {
  constructor(
    request: HttpRequest,
    private readonly response: ExpressResponse,
  ) {
    super(request);
  }

  get status(): number {
    return this.response.statusCode;
  }

  set status(status: number) {
    this.response.statusCode = status;
  }

  outgoing(): OutgoingHeaders {
    return { ...this.response.getHeaders() };
  }

  hasHeader(name: string): boolean {
    return this.response.hasHeader(name);
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.response.setHeader(name, value);
  }

  removeHeader(name: string): void {
    this.response.removeHeader(name);
  }

  get isSent(): boolean {
    return this.response.headersSent;
  }

  whenSent(): Promise<void> {
    return whenSent(this.response);
  }

  toJson(value: object): string | undefined {
    const setting = (name: string) => this.response.app?.get(name);
    const replacer = setting('json replacer') as
      ((key: string, value: unknown) => unknown) | undefined;
    const text = JSON.stringify(
      value,
      replacer,
      setting('json spaces') as string | number | undefined,
    ) as string | undefined;
    return setting('json escape') === true ? text?.replace(/[<>&]/g, escaped) : text;
  }

  captureWrites(current: CurrentCapture): void {
    captureResponse(this.response, current);
  }
}

class FastifyExchange extends BaseExchange implements Exchange {
  constructor(
    request: HttpRequest,
    private readonly reply: FastifyReply,
  ) {
    super(request);
  }

  get status(): number {
    return this.reply.statusCode;
  }

  set status(status: number) {
    this.reply.code(status);
  }

  outgoing(): OutgoingHeaders {
    return { ...this.reply.getHeaders() };
  }

  hasHeader(name: string): boolean {
    return this.reply.hasHeader(name);
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.reply.header(name, value);
  }

  removeHeader(name: string): void {
    this.reply.removeHeader(name);
  }

  get isSent(): boolean {
    return this.reply.sent || this.reply.raw.headersSent;
  }

  whenSent(): Promise<void> {
    return whenSent(this.reply.raw);
  }

  toJson(value: object): string | undefined {
    const text = this.reply.serialize(value);
    return typeof text === 'string' ? text : undefined;
  }

  captureWrites(current: CurrentCapture): void {
    captureResponse(this.reply.raw, current);
    captureReply(this.reply, current);
  }
}

function whenSent(response: RawResponse): Promise<void> {
  if (response.writableEnded || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    response.once('finish', resolve);
    response.once('close', resolve);
  });
}

function escaped(char: string): string {
  return `\\u00${char.charCodeAt(0).toString(16)}`;
}
