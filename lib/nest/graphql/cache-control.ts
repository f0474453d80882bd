import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import type { CacheService } from '../../core/cache.js';
import { CacheKey } from '../../core/key/key.js';
import type { GetOrSetOptions, KeyLike, Producer } from '../../core/options/types.js';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { handlerMetadataOf } from '../decorators/find-metadata.js';
import type { MethodMetadata } from '../decorators/metadata.js';
import { subscribeInContext } from '../method/subscribe-in-context.js';

/**
 * What Apollo Server calls `info.cacheControl` (package @apollo/cache-control-types), as far as it
 * is used here.
 */
export interface CacheControl {
  readonly cacheHint: {
    readonly maxAge?: number;
    readonly scope?: string;
    restrict(hint: { readonly maxAge?: number; readonly scope?: 'PUBLIC' | 'PRIVATE' }): void;
  };
}

class ResolverCall {
  taken = false;
  constructor(
    readonly metadata: MethodMetadata,
    readonly control: CacheControl,
  ) {}
}

/** Brings the cache hints of a GraphQL field to the decorated resolver of the field. */
@Injectable()
export class CacheHints {
  readonly #context = createAsyncContext();

  /** Runs a resolver; its decorated method finds the hints by `take`. */
  provide<T>(
    metadata: MethodMetadata,
    control: CacheControl,
    handle: () => Observable<T>,
  ): Observable<T> {
    return subscribeInContext(this.#context, () => new ResolverCall(metadata, control), handle);
  }

  /** The hints of this call of the method when it resolves a field; once for each resolution. */
  take(metadata: MethodMetadata): CacheControl | undefined {
    const call = this.#context.current();
    if (!(call instanceof ResolverCall) || call.metadata !== metadata || call.taken)
      return undefined;
    call.taken = true;
    return call.control;
  }
}

/**
 * For queries; for field resolvers too where `GraphQLModule` has
 * `fieldResolverEnhancers: ['interceptors']`.
 */
@Injectable()
export class CacheHintInterceptor implements NestInterceptor {
  constructor(private readonly hints: CacheHints) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() !== 'graphql') return next.handle();
    const metadata = handlerMetadataOf(context.getClass(), context.getHandler());
    const control =
      metadata?.cacheable === undefined ? undefined : controlOf(context.getArgByIndex(3));
    return metadata === undefined || control === undefined
      ? next.handle()
      : this.hints.provide(metadata, control, () => next.handle());
  }
}

function controlOf(info: unknown): CacheControl | undefined {
  const control = (info as { readonly cacheControl?: Partial<CacheControl> } | undefined)
    ?.cacheControl;
  return typeof control?.cacheHint?.restrict === 'function' ? (control as CacheControl) : undefined;
}

export interface HintedCall {
  readonly cache: CacheService;
  readonly key: KeyLike;
  readonly options: GetOrSetOptions;
  /** As the decorators declare it. */
  readonly ttl: Duration | ((value: never) => Duration) | undefined;
  readonly produce: Producer<unknown>;
  /** Runs the resolver past the cache. */
  readonly run: () => unknown;
}

/** The result is for one user only: neither stored nor given to the callers who waited for it. */
class PrivateResultError extends Error {}

/**
 * A cached field whose schema or resolver may restrict how long and for whom its value holds. The
 * shortest lifetime counts, for the entry and for the response; a private value is stored only
 * under a key with a parameter `principal`.
 */
export async function getOrSetWithHints(
  { cacheHint }: CacheControl,
  { cache, key, options, ttl, produce, run }: HintedCall,
): Promise<unknown> {
  const isPerPrincipal = key instanceof CacheKey && /(?:^|[/&])principal=/.test(key.text);
  const isPrivate = (): boolean => cacheHint.scope === 'PRIVATE' && !isPerPrincipal;
  if (isPrivate() || cacheHint.maxAge === 0) return run();
  const own: { result?: { readonly value: unknown } } = {};
  const producer: Producer<unknown> = async (context) => {
    const value = await produce(context);
    if (isPrivate()) {
      own.result = { value };
      throw new PrivateResultError();
    }
    const { maxAge } = cacheHint;
    if (maxAge !== undefined) {
      const declared =
        typeof ttl === 'function'
          ? (ttl as (value: unknown) => Duration)(value)
          : (ttl ?? defaultTtl(cache));
      context.setTtl(Math.min(toMilliseconds(declared, 'ttl'), maxAge * 1000));
    }
    return value;
  };
  try {
    const { value, freshUntil } = await cache.getOrSetDetailed(key, producer, options);
    if (freshUntil !== undefined) {
      const seconds = Math.max(0, Math.floor((freshUntil - cache.clock.now()) / 1000));
      // Only ever less than was hinted: a response without hints is private by default.
      if (cacheHint.maxAge !== undefined) cacheHint.restrict({ maxAge: seconds });
      if (isPerPrincipal || mayHaveTenant(cache, key)) cacheHint.restrict({ scope: 'PRIVATE' });
    }
    return value;
  } catch (error) {
    if (!(error instanceof PrivateResultError)) throw error;
    return own.result === undefined ? run() : own.result.value;
  }
}

function defaultTtl(cache: CacheService): Duration {
  const { ttl } = cache.defaults;
  return typeof ttl === 'number' ? ttl : Infinity;
}

/** As for HTTP responses: what belongs to a tenant is not for caches that serve others too. */
function mayHaveTenant(cache: CacheService, key: KeyLike): boolean {
  return cache.hasTenantResolver || (key instanceof CacheKey && key.tenant !== undefined);
}
