import type { Observable } from 'rxjs';
import type { StoredResponse, VaryRecord } from '../../http/stored-response.js';
import { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import { tagsFromCallback } from '../../core/groups/groups.js';
import { MAX_DURATION_MS } from '../../ports/duration.js';
import { CacheConfigError, CacheError } from '../../ports/errors.js';
import { rewind } from './respond.js';
import type { Exchange } from './request.js';
import { HandlerRun, HandlerRuns, type Untouched } from './background-run.js';
import type { Learnt } from './observations.js';
import { tenantOf } from './no-tenant.js';
import { newGeneration, type Production, runHandler, type Unshared } from './produce.js';
import type { Detailed, FillContext, FillOptions, ResponseCache } from './response-cache.js';
import { RequestView } from './request-view.js';
import { routeKey, uriTag } from './cache-key.js';
import type { RoutePlan } from './route.js';
import { uncacheableResponseError } from '../checks/uncacheable.js';

/** One request that may be answered from the cache, with all that is needed for it. */
export interface LookupParts {
  readonly plan: RoutePlan;
  readonly cache: ResponseCache;
  readonly exchange: Exchange;
  readonly handle: () => Observable<unknown>;
  readonly principal: string | undefined;
  readonly authenticated: boolean;
  readonly now: () => number;
  readonly learnt: Learnt;
  readonly warn: (kind: string, error: unknown) => void;
}

/** Given to those who waited for a run whose answer was for one request only. */
interface NotShared {
  readonly kind: 'unshared';
  readonly reason?: Unshared;
}

/** What is under a key. */
export type Kept = StoredResponse | VaryRecord | NotShared;

/** This request's own run of the handler. */
export interface OwnRun {
  readonly settled: Promise<Production>;
  readonly wasStale: boolean;
  /**
   * The request is answered by something else: its handler failed, or is too slow. What it did to the response is undone; when it still runs it
   * goes on as one in the background does, and what it gives is stored.
   */
  leave(): void;
}

const NOT_SHARED: NotShared = Object.freeze({ kind: 'unshared' });
/** A record of what a response varies by costs little and outlives its variants. */
const RECORD_MS = 86_400_000;

/** The producer side of one request: runs its handler for the cache, at once or after the response is out. */
export class Filling {
  /** Set once the handler runs for the answer of this request. */
  own: OwnRun | undefined;

  readonly #options: FillOptions;
  readonly #runs: HandlerRuns;
  /** Taken before anything is answered: a refresh starts when a stale response may have been put on the exchange. */
  readonly #untouched: Untouched;

  constructor(private readonly parts: LookupParts) {
    const { plan, exchange } = parts;
    this.#runs = new HandlerRuns(parts.learnt.runs, exchange);
    this.#untouched = { headers: exchange.outgoing(), status: exchange.status };
    this.#options =
      plan.uriTagged || plan.http.tags !== undefined ? new RequestOptions(parts) : plan.fill;
  }

  async ask(variant: VaryRecord | undefined): Promise<Detailed<Kept>> {
    const { plan, cache, exchange, principal } = this.parts;
    const found = await cache.getOrSetDetailed<Kept | null>(
      routeKey(plan, exchange, principal, variant),
      (context) => this.#produce(context, variant),
      this.#options,
    );
    const { value } = found;
    // A codec of the application may decode anything.
    return { ...found, value: value?.kind === undefined ? NOT_SHARED : value };
  }

  async #produce(context: FillContext, variant: VaryRecord | undefined): Promise<Kept> {
    const production = await this.#run(context).catch((error: unknown) => {
      this.#failed(error, variant);
      throw error;
    });
    if (!production.shared) {
      context.skip();
      this.#learn(production, variant);
      // RFC 5861 section 4: such an answer is an error, for which a stale response may stand in.
      if (context.stale !== undefined && SERVER_ERRORS.has(production.status))
        throw new ErrorAnswer(production.status);
      return { kind: 'unshared', reason: production.reason };
    }
    this.parts.learnt.passes.remove(() => passName(this.parts, variant));
    context.addTags(...production.tags);
    const { response, vary } = production;
    if (variant === undefined && vary.length > 0)
      return this.#record(context, response, vary, production.tags);
    if (variant !== undefined && vary.some((name) => !variant.names.includes(name))) {
      // The record no longer says what chooses among the variants: the next request makes a new one.
      await this.#forget();
      context.skip();
      return NOT_SHARED;
    }
    keep(context, response);
    return response;
  }

  #learn(
    { reason, status }: Production & { readonly shared: false },
    variant: VaryRecord | undefined,
  ): void {
    const { learnt, plan, now } = this.parts;
    if (reason === 'tenant') {
      learnt.lateTenants.add(plan);
      // Of a refresh nobody else tells.
      warnUnfit(this.parts, reason);
    }
    // An error soon ends, and the answer to a request that says who asks is no word on the others.
    else if (status < FIRST_ERROR && reason !== 'authorization')
      learnt.passes.add(passName(this.parts, variant), now());
  }

  #failed(error: unknown, variant: VaryRecord | undefined): void {
    const { passes, thrownByHandlers } = this.parts.learnt;
    passes.remove(() => passName(this.parts, variant));
    if (error instanceof CacheError) thrownByHandlers.add(error);
  }

  /**
   * Under the key of the URI goes what the response varies by, under a key made from it the response. The fence of the former protects both:
   * if an invalidation overtakes this run the record is not stored, and without it nothing finds the response.
   */
  async #record(
    context: FillContext,
    response: StoredResponse,
    vary: readonly string[],
    tags: readonly string[],
  ): Promise<Kept> {
    const { plan, cache, exchange, principal } = this.parts;
    const record: VaryRecord = { kind: 'vary', names: vary, generation: newGeneration() };
    try {
      await cache.set(routeKey(plan, exchange, principal, record), response, {
        ...plan.fill,
        ttl: response.freshMs,
        staleWhileRevalidate: response.staleMs,
        staleIfError: response.fallbackMs,
        tags: [...(this.#options.tags ?? []), ...tags],
      });
    } catch (error) {
      this.parts.warn('set', error);
      context.skip();
    }
    context.setTtl(
      Math.min(
        MAX_DURATION_MS,
        Math.max(RECORD_MS, response.freshMs + Math.max(response.staleMs, response.fallbackMs)),
      ),
    );
    return record;
  }

  /** What goes to CDNs: not the tag that stands for the URI. */
  get #knownTags(): readonly string[] {
    const { plan } = this.parts;
    return this.#options instanceof RequestOptions ? this.#options.said : (plan.fill.tags ?? []);
  }

  async #forget(): Promise<void> {
    const { plan, cache, exchange, principal } = this.parts;
    await cache.delete(routeKey(plan, exchange, principal));
  }

  async #run(context: FillContext): Promise<Production> {
    const { exchange } = this.parts;
    const { headers, status } = this.#untouched;
    const run = new HandlerRun(exchange, headers, context);
    if (context.background) {
      this.#runs.setAside(run, this.#untouched);
      await this.#answered();
      return this.#handle(run);
    }
    const settled = this.#handle(run);
    let isRunning = true;
    const end = (): void => {
      isRunning = false;
    };
    settled.then(end, end);
    this.own = {
      settled,
      wasStale: context.stale !== undefined,
      leave: () => {
        if (isRunning)
          this.#runs.setAside(run, { headers: exchange.outgoing(), status: exchange.status });
        rewind(exchange, headers, status);
      },
    };
    return settled;
  }

  /**
   * The stale answer goes first, so that nobody waits for what the handler computes. But only a moment: a client that does not read, or a slow
   * response before this one on its connection, must not hold up a refresh that is for everyone.
   */
  #answered(): Promise<void> {
    const { exchange, cache } = this.parts;
    return new Promise((resolve) => {
      const cancel = cache.clock.after(PATIENCE_MS, resolve);
      void exchange.whenSent().then(() => {
        cancel();
        resolve();
      });
    });
  }

  #handle(run: HandlerRun): Promise<Production> {
    const knownTags = this.#knownTags;
    return this.#runs.within(run, () => runHandler({ ...this.parts, knownTags, run }));
  }
}

const PATIENCE_MS = 100;
const FIRST_ERROR = 400;

/** @returns whether the answer is one that could never have been cached, of which the developer is told */
export function warnUnfit({ plan, warn }: LookupParts, reason: Unshared): boolean {
  const problem = uncacheableResponseError(plan, reason);
  if (problem !== undefined) warn(`${reason}, ${plan.where}`, problem);
  return problem !== undefined;
}

/** Under which the key of a request is known to give no answer for others of its tenant. */
export function passName(
  { plan, cache, exchange, principal }: LookupParts,
  variant: VaryRecord | undefined,
): string {
  return JSON.stringify([
    plan.options.cache,
    tenantOf(cache),
    routeKey(plan, exchange, principal, variant).text,
  ]);
}

/** The handler answered with a server error instead of throwing one. */
class ErrorAnswer extends Error {
  constructor(readonly status: number) {
    super(`the handler answered with status ${String(status)}`);
  }
}
const SERVER_ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504]);

export function isKept(value: unknown): value is Kept {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    (value.kind === 'response' || value.kind === 'vary')
  );
}

function keep(context: FillContext, response: StoredResponse): void {
  context.setTtl(response.freshMs);
  context.setWindows({ staleWhileRevalidate: response.staleMs, staleIfError: response.fallbackMs });
}

/** Options whose tags depend on the request; made only when the cache has no near answer. */
class RequestOptions implements FillOptions {
  readonly [STATIC_OPTIONS]: FillOptions;
  readonly #parts: LookupParts;
  #said: readonly string[] | undefined;

  constructor(parts: LookupParts) {
    this[STATIC_OPTIONS] = parts.plan.fill;
    this.#parts = parts;
  }

  get tags(): readonly string[] {
    const { plan, exchange } = this.#parts;
    return plan.uriTagged ? [...this.said, uriTag(plan, exchange)] : this.said;
  }

  /** The tags that the route declares. */
  get said(): readonly string[] {
    const { plan, exchange } = this.#parts;
    const { tags } = plan.http;
    const listed = plan.fill.tags ?? [];
    if (tags === undefined) return listed;
    try {
      return (this.#said ??= [...listed, ...tagsFromCallback(tags(new RequestView(exchange)))]);
    } catch (error) {
      throw new CacheConfigError(
        `http.tags of ${plan.where} threw: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}
