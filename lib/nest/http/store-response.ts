import { tagsFromCallback } from '../../core/groups/groups.js';
import { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import type { ProducerContext } from '../../core/options/types.js';
import type { GetOrSetResult } from '../../core/read/get-or-set-result.js';
import type { StoredResponse, VaryRecord } from '../../http/stored-response.js';
import { MAX_DURATION_MS } from '../../ports/duration.js';
import { CacheConfigError, CacheError } from '../../ports/errors.js';
import { HandlerRun, HandlerRuns, type InitialResponse } from './background-run.js';
import { routeKey, uriTag } from './cache-key.js';
import type { UnshareableReason } from './observations.js';
import { type HandlerResult, newGeneration, runHandler } from './produce.js';
import type { RequestContext } from './request-context.js';
import { RequestView } from './request-view.js';
import { undoHeaders } from './respond.js';
import type { ResponseEntryOptions } from './response-cache.js';

/** Given to the requests that waited for a run whose response cannot be shared. */
interface Unshareable {
  readonly kind: 'unshared';
  readonly reason?: UnshareableReason;
}

/** What a key holds. */
export type Stored = StoredResponse | VaryRecord | Unshareable;

/** This request's own run of the handler. */
export interface OwnRun {
  readonly result: Promise<HandlerResult>;
  readonly hadStale: boolean;
  /**
   * The request is answered by something else, because the handler failed or is too slow. What it
   * did to the response is undone; if it still runs, it continues like a background refresh, and
   * its result is stored.
   */
  abandon(): void;
}

const UNSHAREABLE: Unshareable = Object.freeze({ kind: 'unshared' });
/** A vary record is small and should outlive its variants. */
const MIN_RECORD_TTL_MS = 86_400_000;
/** How long a refresh waits for the stale response to be sent. */
const MAX_SEND_WAIT_MS = 100;
const FIRST_ERROR_STATUS = 400;
const SERVER_ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** The producer of one request: runs its handler, at once or in a background refresh. */
export class ResponseProducer {
  /** Set once the handler runs to answer this request. */
  own: OwnRun | undefined;

  readonly #options: ResponseEntryOptions;
  readonly #runs: HandlerRuns;
  /** Read first: a refresh starts when a stale response may already be on the exchange. */
  readonly #initial: InitialResponse;

  constructor(private readonly context: RequestContext) {
    const { route, exchange, observations } = context;
    this.#runs = new HandlerRuns(observations.runContext, exchange);
    this.#initial = { headers: exchange.outgoing(), status: exchange.status };
    this.#options =
      route.tagsUri || route.http.tags !== undefined
        ? new RequestOptions(context)
        : route.cacheOptions;
  }

  /** @param variant undefined for the key of the URI itself */
  async load(variant: VaryRecord | undefined): Promise<GetOrSetResult<Stored>> {
    const { route, cache, exchange, principal } = this.context;
    const found = await cache.getOrSetDetailed<Stored | null>(
      routeKey(route, exchange, principal, variant),
      (producer) => this.#produce(producer, variant),
      this.#options,
    );
    const { value } = found;
    // A codec of the application may decode to anything.
    return { ...found, value: value?.kind === undefined ? UNSHAREABLE : value };
  }

  async #produce(producer: ProducerContext, variant: VaryRecord | undefined): Promise<Stored> {
    const result = await this.#run(producer).catch((error: unknown) => {
      this.#recordFailure(error, variant);
      throw error;
    });
    if (!result.shared) {
      producer.skip();
      this.#recordUnshareable(result.reason, result.status, variant);
      // RFC 5861 section 4: a server error may be answered by a stale response.
      if (producer.stale !== undefined && SERVER_ERRORS.has(result.status))
        throw new ErrorResponse(result.status);
      return { kind: 'unshared', reason: result.reason };
    }
    this.context.observations.unshareableKeys.remove(() => this.context.unshareableName(variant));
    producer.addTags(...result.tags);
    const { response, vary } = result;
    if (variant === undefined && vary.length > 0)
      return this.#storeVariant(producer, response, vary, result.tags);
    if (variant !== undefined && vary.some((name) => !variant.names.includes(name))) {
      // The record lacks a header that selects a variant: the next request writes it anew.
      await this.#deleteVary();
      producer.skip();
      return UNSHAREABLE;
    }
    producer.setTtl(response.freshMs);
    producer.setWindows({
      staleWhileRevalidate: response.staleMs,
      staleIfError: response.fallbackMs,
    });
    return response;
  }

  #recordUnshareable(
    reason: UnshareableReason,
    status: number,
    variant: VaryRecord | undefined,
  ): void {
    const { observations, route } = this.context;
    if (reason === 'tenant') {
      observations.lateTenantRoutes.add(route);
      // The result of a refresh is not sent, so nothing else would warn.
      this.context.warnUncacheable(reason);
    }
    // Errors are temporary, and a response to an authenticated request says nothing about others.
    else if (status < FIRST_ERROR_STATUS && reason !== 'authorization')
      observations.unshareableKeys.add(this.context.unshareableName(variant), this.context.now());
  }

  #recordFailure(error: unknown, variant: VaryRecord | undefined): void {
    const { unshareableKeys, handlerErrors } = this.context.observations;
    unshareableKeys.remove(() => this.context.unshareableName(variant));
    if (error instanceof CacheError) handlerErrors.add(error);
  }

  /**
   * Stores what the response varies by under the key of the URI, and the response under a key made
   * from it. The fence of the former protects both: if an invalidation overtakes this run, the
   * record is not stored, and without it the response is never found.
   */
  async #storeVariant(
    producer: ProducerContext,
    response: StoredResponse,
    vary: readonly string[],
    tags: readonly string[],
  ): Promise<Stored> {
    const { route, cache, exchange, principal } = this.context;
    const record: VaryRecord = { kind: 'vary', names: vary, generation: newGeneration() };
    const { freshMs, staleMs, fallbackMs } = response;
    try {
      await cache.set(routeKey(route, exchange, principal, record), response, {
        ...route.cacheOptions,
        ttl: freshMs,
        staleWhileRevalidate: staleMs,
        staleIfError: fallbackMs,
        tags: [...(this.#options.tags ?? []), ...tags],
      });
    } catch (error) {
      this.context.warn('set', error);
      producer.skip();
    }
    const ttlMs = Math.max(MIN_RECORD_TTL_MS, freshMs + Math.max(staleMs, fallbackMs));
    producer.setTtl(Math.min(MAX_DURATION_MS, ttlMs));
    return record;
  }

  async #deleteVary(): Promise<void> {
    const { route, cache, exchange, principal } = this.context;
    await cache.delete(routeKey(route, exchange, principal));
  }

  async #run(producer: ProducerContext): Promise<HandlerResult> {
    const { exchange } = this.context;
    const { headers, status } = this.#initial;
    const run = new HandlerRun(exchange, headers, producer);
    if (producer.background) {
      this.#runs.capture(run, this.#initial);
      await this.#staleSent();
      return this.#handle(run);
    }
    const result = this.#handle(run);
    let isRunning = true;
    const end = (): void => {
      isRunning = false;
    };
    result.then(end, end);
    this.own = {
      result,
      hadStale: producer.stale !== undefined,
      abandon: () => {
        if (isRunning)
          this.#runs.capture(run, { headers: exchange.outgoing(), status: exchange.status });
        undoHeaders(exchange, headers, status);
      },
    };
    return result;
  }

  /**
   * Waits until the stale response is sent, so that the handler's work does not delay it; but not
   * for long: a slow client must not hold up a refresh that is for everyone.
   */
  #staleSent(): Promise<void> {
    const { exchange, cache } = this.context;
    return new Promise((resolve) => {
      const cancel = cache.clock.after(MAX_SEND_WAIT_MS, resolve);
      void exchange.whenSent().then(() => {
        cancel();
        resolve();
      });
    });
  }

  #handle(run: HandlerRun): Promise<HandlerResult> {
    return this.#runs.runAs(run, () => runHandler(this.context, run, this.#routeTags));
  }

  /** The tags for CDNs: without the one that stands for the URI. */
  get #routeTags(): readonly string[] {
    if (this.#options instanceof RequestOptions) return this.#options.routeTags;
    return this.context.route.cacheOptions.tags ?? [];
  }
}

/** The handler answered with a server error instead of throwing one. */
class ErrorResponse extends Error {
  constructor(readonly status: number) {
    super(`the handler answered with status ${String(status)}`);
  }
}

export function isStored(value: unknown): value is Stored {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    (value.kind === 'response' || value.kind === 'vary')
  );
}

/** Options whose tags depend on the request; they are computed when the cache reads them. */
class RequestOptions implements ResponseEntryOptions {
  readonly [STATIC_OPTIONS]: ResponseEntryOptions;
  readonly #context: RequestContext;
  #routeTags: readonly string[] | undefined;

  constructor(context: RequestContext) {
    this[STATIC_OPTIONS] = context.route.cacheOptions;
    this.#context = context;
  }

  get tags(): readonly string[] {
    const { route, exchange } = this.#context;
    return route.tagsUri ? [...this.routeTags, uriTag(route, exchange)] : this.routeTags;
  }

  /** The tags that the route declares. */
  get routeTags(): readonly string[] {
    const { route, exchange } = this.#context;
    const declared = route.cacheOptions.tags ?? [];
    const { tags } = route.http;
    if (tags === undefined) return declared;
    try {
      return (this.#routeTags ??= [
        ...declared,
        ...tagsFromCallback(tags(new RequestView(exchange))),
      ]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new CacheConfigError(`http.tags of ${route.where} threw: ${message}`, {
        cause: error,
      });
    }
  }
}
