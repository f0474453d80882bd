import type { Exchange } from './request.js';
import type { CacheableRequest } from './options.js';

const NONE = Object.freeze({});

/** What options are given of a request. Parsing a query costs, so it is parsed only when somebody looks. */
export class RequestView implements CacheableRequest {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#exchange.method;
  }

  get url(): string {
    return this.#exchange.url;
  }

  get headers(): CacheableRequest['headers'] {
    return this.#exchange.headers;
  }

  get params(): CacheableRequest['params'] {
    return this.#exchange.request.params ?? NONE;
  }

  get query(): CacheableRequest['query'] {
    return this.#exchange.request.query ?? NONE;
  }

  get user(): unknown {
    return this.#exchange.request.user;
  }

  get raw(): object {
    return this.#exchange.request;
  }
}
