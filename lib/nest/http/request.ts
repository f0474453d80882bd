import { type OutgoingHeaders, requestHeader, type RequestHeaders } from '../../http/headers.js';
import { isUnclearQuery } from '../../http/query.js';
import { type AsideOf, divertReply, divertResponse } from './response-capture.js';

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

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: RequestHeaders;
  readonly params?: Readonly<Record<string, string | undefined>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly user?: unknown;
  /** With `trust proxy` and the like: as the client asked for it, with its port. */
  readonly host?: string;
  /** Of Express: where the router that handles the request is mounted. */
  readonly baseUrl?: string;
  readonly socket?: { readonly authorized?: boolean };
  /** Of Fastify: the request that middleware sees. */
  readonly raw?: { readonly user?: unknown };
}

/** One request and its response, the same on Express and Fastify. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly method: string;
  /** As it was sent. */
  readonly url: string;
  /** As it was sent, without the query; never decoded or normalised. */
  readonly path: string;
  /** The raw query, with its `?` when there is one. */
  readonly search: string;
  /** The URL that the route was found by, where something has rewritten the one that was sent (`rewriteUrl`, middleware); else undefined. */
  readonly rewritten: string | undefined;
  /** In lower case, as the platform sees it: Nest finds controllers by it. */
  readonly host: string;
  readonly headers: RequestHeaders;
  status: number;
  /** The member of `Cache-Status` that this cache has set. */
  said: string | undefined;
  outgoing(): OutgoingHeaders;
  hasHeader(name: string): boolean;
  setHeader(name: string, value: string | readonly string[]): void;
  removeHeader(name: string): void;
  readonly isSent: boolean;
  /** Resolves once the response is out, or its connection gone. */
  whenSent(): Promise<void>;
  /** The text the platform would send for an object; undefined when it would send none. */
  toJson(value: object): string | undefined;
  /** From now on what is said about the response goes where `asideOf` says. Once for each exchange. */
  divert(asideOf: AsideOf): void;
}

export function exchangeOf(request: HttpRequest, response: object): Exchange {
  return 'raw' in response
    ? new FastifyExchange(request, response as FastifyReply)
    : new ExpressExchange(request, response as ExpressResponse);
}

export function hasUnclearQuery({ search, rewritten }: Exchange): boolean {
  return isUnclearQuery(search) || (rewritten !== undefined && isUnclearQuery(rewritten));
}

abstract class BaseExchange {
  readonly url: string;
  readonly path: string;
  readonly search: string;
  readonly rewritten: string | undefined;
  said: string | undefined = undefined;

  constructor(readonly request: HttpRequest) {
    const url = (this.url = request.originalUrl ?? request.url);
    const routed =
      request.baseUrl === undefined || request.baseUrl === ''
        ? request.url
        : request.baseUrl + request.url;
    this.rewritten = routed === url ? undefined : routed;
    const at = url.indexOf('?');
    this.path = at === -1 ? url : url.slice(0, at);
    this.search = at === -1 ? '' : url.slice(at);
  }

  get method(): string {
    return this.request.method;
  }

  get host(): string {
    return (this.request.host ?? requestHeader(this.headers, 'host') ?? '').toLowerCase();
  }

  get headers(): RequestHeaders {
    return this.request.headers;
  }
}

class ExpressExchange extends BaseExchange implements Exchange {
  constructor(
    request: HttpRequest,
    private readonly raw: ExpressResponse,
  ) {
    super(request);
  }

  get status(): number {
    return this.raw.statusCode;
  }

  set status(status: number) {
    this.raw.statusCode = status;
  }

  outgoing(): OutgoingHeaders {
    return { ...this.raw.getHeaders() };
  }

  hasHeader(name: string): boolean {
    return this.raw.hasHeader(name);
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.raw.setHeader(name, value);
  }

  removeHeader(name: string): void {
    this.raw.removeHeader(name);
  }

  get isSent(): boolean {
    return this.raw.headersSent;
  }

  whenSent(): Promise<void> {
    return whenSent(this.raw);
  }

  toJson(value: object): string | undefined {
    const setting = (name: string) => this.raw.app?.get(name);
    const replacer = setting('json replacer') as
      ((key: string, value: unknown) => unknown) | undefined;
    const text = JSON.stringify(
      value,
      replacer,
      setting('json spaces') as string | number | undefined,
    ) as string | undefined;
    return setting('json escape') === true ? text?.replace(/[<>&]/g, escaped) : text;
  }

  divert(asideOf: AsideOf): void {
    divertResponse(this.raw, asideOf);
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

  divert(asideOf: AsideOf): void {
    divertResponse(this.reply.raw, asideOf);
    divertReply(this.reply, asideOf);
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
