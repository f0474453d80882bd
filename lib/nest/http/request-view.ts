import type { CacheableRequest } from './options.js';
import type { Exchange } from './request.js';

const NO_VALUES = Object.freeze({});

/** The request as callbacks in options see it. A query is parsed only when it is read. */
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
    return this.#exchange.request.params ?? NO_VALUES;
  }

  get query(): CacheableRequest['query'] {
    return this.#exchange.request.query ?? NO_VALUES;
  }

  get user(): unknown {
    return this.#exchange.request.user;
  }

  get raw(): object {
    return this.#exchange.request;
  }
}
