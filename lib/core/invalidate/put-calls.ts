import type { CallResolver } from '../options/resolve-call.js';
import { noProducer } from '../options/resolve-call.js';
import type { InvalidationResult, KeyLike, SetOptions } from '../options/types.js';
import type { Flight } from '../read/flight.js';
import type { Invalidations } from './invalidations.js';

/** What `@CachePut` calls around its method; see `Puts`. */
export class PutCalls {
  constructor(
    private readonly calls: CallResolver,
    private readonly invalidations: Invalidations,
  ) {}

  /**
   * Before the method. One round trip; does not fail when the backend does.
   * @param tags those known beforehand
   * @throws CacheKeyError (`CACHE_KEY`), CacheConfigError (`CACHE_CONFIG`)
   */
  async begin(key: KeyLike, tags: readonly string[]): Promise<Flight> {
    return this.invalidations.beginPut(this.calls.call(key, noProducer, { tags }));
  }

  /**
   * After the method has succeeded. One round trip.
   * @param key once more: the method may change the arguments that it is made of
   * @throws CacheKeyError (`CACHE_KEY`) when it has; and as `set` does
   */
  async store<T>(
    put: Flight,
    key: KeyLike,
    value: T,
    options: SetOptions<T>,
  ): Promise<InvalidationResult> {
    const describe = () => this.calls.call(key, noProducer, options);
    return this.invalidations.storePut(put, this.calls.key(key), describe, value);
  }

  /** When the method is over, in whatever way. */
  end(put: Flight): void {
    this.invalidations.endPut(put);
  }
}
