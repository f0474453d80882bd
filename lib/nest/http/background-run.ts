import type { AsyncContext } from '../../ports/context.js';
import type { OutgoingHeaders } from '../../http/headers.js';
import { Aside } from './response-capture.js';
import type { Exchange } from './request.js';

/** What a response was like before any handler ran and before anything was answered. */
export interface Untouched {
  readonly headers: OutgoingHeaders;
  readonly status: number;
}

/** One run of a handler: the current value of its asynchronous context, so that what it says about the response is told from what others say. */
export class HandlerRun {
  /** Set when the answer to the request does not come from this run: what it says is kept there, and the response is none of its business. */
  aside: Aside | undefined;

  constructor(
    readonly exchange: Exchange,
    readonly before: OutgoingHeaders,
    /** Undefined: what it gives is stored nowhere. */
    readonly key: { readonly tenant: string | undefined } | undefined,
  ) {}

  get status(): number {
    return this.aside?.status ?? this.exchange.status;
  }

  outgoing(): OutgoingHeaders {
    return this.aside?.outgoing() ?? this.exchange.outgoing();
  }
}

/**
 * Keeps apart what the runs of one request say. A handler that answers nobody (a refresh, a handler that was too slow) has the response of the
 * request in its hands all the same, and it may be on its way out: whose write it is shows only in the asynchronous context.
 */
export class HandlerRuns {
  #latest: HandlerRun | undefined;
  #diverted = false;
  #out = false;

  constructor(
    private readonly context: AsyncContext,
    private readonly exchange: Exchange,
  ) {}

  /** What `run` says from now on is kept aside. */
  setAside(run: HandlerRun, { headers, status }: Untouched): void {
    run.aside = new Aside(headers, status);
    this.#latest = run;
    if (this.#diverted) return;
    this.#diverted = true;
    this.exchange.divert(() => this.#aside());
    void this.exchange.whenSent().then(() => {
      this.#out = true;
    });
  }

  within<T>(run: HandlerRun, task: () => Promise<T>): Promise<T> {
    return this.context.run(run, task);
  }

  /** Once the response is out, only a handler that lost its context can have something to say. */
  #aside(): Aside | undefined {
    const run = this.context.current();
    if (run instanceof HandlerRun && run.exchange === this.exchange) return run.aside;
    return this.#out ? this.#latest?.aside : undefined;
  }
}
