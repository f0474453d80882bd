import type { AsyncContext } from '../../ports/context.js';
import type { OutgoingHeaders } from '../../http/headers.js';
import type { Exchange } from './request.js';
import { CapturedResponse } from './response-capture.js';

/** Headers and status of a response before any handler ran or anything was answered. */
export interface InitialResponse {
  readonly headers: OutgoingHeaders;
  readonly status: number;
}

/** One run of a handler; the current value of the async context while the handler runs. */
export class HandlerRun {
  /** Set once the request is answered by something else: writes of this run are captured here. */
  captured: CapturedResponse | undefined;

  constructor(
    readonly exchange: Exchange,
    readonly before: OutgoingHeaders,
    /** The key that the result is stored under; undefined when it is not stored. */
    readonly key: { readonly tenant: string | undefined } | undefined,
  ) {}

  get status(): number {
    return this.captured?.status ?? this.exchange.status;
  }

  outgoing(): OutgoingHeaders {
    return this.captured?.outgoing() ?? this.exchange.outgoing();
  }
}

/**
 * Separates the status and headers written by several runs of one request's handler. A background
 * refresh still holds the request's response object, which may already be sent; the async context
 * tells which run is writing.
 */
export class HandlerRuns {
  #latest: HandlerRun | undefined;
  #capturing = false;
  #sent = false;

  constructor(
    private readonly context: AsyncContext,
    private readonly exchange: Exchange,
  ) {}

  /** From now on the writes of `run` are captured instead of reaching the response. */
  capture(run: HandlerRun, { headers, status }: InitialResponse): void {
    run.captured = new CapturedResponse(headers, status);
    this.#latest = run;
    if (this.#capturing) return;
    this.#capturing = true;
    this.exchange.captureWrites(() => this.#current());
    void this.exchange.whenSent().then(() => {
      this.#sent = true;
    });
  }

  runAs<T>(run: HandlerRun, task: () => Promise<T>): Promise<T> {
    return this.context.run(run, task);
  }

  /** Once the response is sent, a write without a context comes from a run that has lost it. */
  #current(): CapturedResponse | undefined {
    const run = this.context.current();
    if (run instanceof HandlerRun && run.exchange === this.exchange) return run.captured;
    return this.#sent ? this.#latest?.captured : undefined;
  }
}
