import type { CacheService } from '../../core/cache.js';
import { CacheKey } from '../../core/key/key.js';
import type { GetOrSetOptions, KeyLike, Producer } from '../../core/options/types.js';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import type { CacheControl } from './cache-control.js';

export interface HintedParts {
  readonly cache: CacheService;
  readonly key: KeyLike;
  readonly options: GetOrSetOptions;
  /** What the decorators say. */
  readonly ttl: Duration | ((value: never) => Duration) | undefined;
  readonly produce: Producer<unknown>;
  /** The resolver itself. */
  readonly run: () => unknown;
}

/** The answer turned out to be for one user only: it is neither stored nor given to those who waited for it. */
class PrivateAnswer extends Error {}

/**
 * A cached field whose schema or resolver may say how long and for whom its value holds: the least of all lifetimes counts, for the entry and for
 * the response; what is private is kept only under a key with a parameter `principal`.
 */
export async function hintedCall(
  control: CacheControl,
  { cache, key, options, ttl, produce, run }: HintedParts,
): Promise<unknown> {
  const personal = key instanceof CacheKey && /(?:^|[/&])principal=/.test(key.text);
  // As for whole responses: what belongs to a tenant is not for caches that others read too.
  const shared =
    !personal && !cache.hasTenantResolver && !(key instanceof CacheKey && key.tenant !== undefined);
  const isForOne = (): boolean => control.cacheHint.scope === 'PRIVATE' && !personal;
  if (isForOne() || control.cacheHint.maxAge === 0) return run();
  const own: { result?: { readonly value: unknown } } = {};
  const producer: Producer<unknown> = async (context) => {
    const value = await produce(context);
    if (isForOne()) {
      own.result = { value };
      throw new PrivateAnswer();
    }
    const { maxAge } = control.cacheHint;
    if (maxAge !== undefined) {
      const said =
        typeof ttl === 'function'
          ? (ttl as (value: unknown) => Duration)(value)
          : (ttl ?? lifetime(cache));
      context.setTtl(Math.min(toMilliseconds(said, 'ttl'), maxAge * 1000));
    }
    return value;
  };
  try {
    const { value, freshUntil } = await cache.getOrSetDetailed(key, producer, options);
    if (freshUntil !== undefined)
      tell(control, Math.max(0, Math.floor((freshUntil - cache.clock.now()) / 1000)), shared);
    return value;
  } catch (error) {
    if (!(error instanceof PrivateAnswer)) throw error;
    return own.result === undefined ? run() : own.result.value;
  }
}

function lifetime(cache: CacheService): Duration {
  const { ttl } = cache.defaults;
  return typeof ttl === 'number' ? ttl : Infinity;
}

/** Only ever less than was said: a response that nobody called cacheable is made for one user, as far as anybody knows. */
function tell(control: CacheControl, maxAge: number, shared: boolean): void {
  if (control.cacheHint.maxAge !== undefined) control.cacheHint.restrict({ maxAge });
  if (!shared) control.cacheHint.restrict({ scope: 'PRIVATE' });
}
