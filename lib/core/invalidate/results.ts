import { CacheKeyError } from '../../ports/errors.js';
import { type CallResolver, noProducer } from '../options/resolve-call.js';
import type { Invalidations } from './invalidations.js';
import { PendingPut } from './pending-put.js';
import type { InvalidationResult, KeyLike, SetOptions } from '../options/types.js';

/**
 * The results of methods, put in the place of what is stored, and fenced like loads (see `Puts`): `begin` before the method, `keep` when it has
 * succeeded, `end` in any case.
 */
export class Results {
  constructor(
    readonly calls: CallResolver,
    readonly changes: Invalidations,
  ) {}

  /**
   * One round trip; does not fail when the backend does. Inside a unit of work nothing is stored, so nothing is asked.
   * @param tags those known beforehand; others cost a round trip in the end
   * @throws CacheKeyError (`CACHE_KEY`), CacheConfigError (`CACHE_CONFIG`)
   */
  async begin(like: KeyLike, tags: readonly string[]): Promise<PendingPut> {
    const { engine, units } = this.changes;
    const call = this.calls.call(like, noProducer, { tags });
    return units.current === undefined ? engine.puts.begin(call) : new PendingPut(call.key, 0, 0);
  }

  /**
   * One round trip.
   * @param like the key, once more: a method may change what it is made of
   * @throws CacheKeyError (`CACHE_KEY`) when it has, both keys are then deleted; and as `set` does
   */
  async keep<T>(
    put: PendingPut,
    like: KeyLike,
    value: T,
    options: SetOptions<T>,
  ): Promise<InvalidationResult> {
    const key = this.calls.key(like);
    if (key.text !== put.key.text) {
      await this.changes.invalidate({ keys: [key, put.key] });
      throw new CacheKeyError(
        'The method has changed what its key is made of; what was stored under the keys of before and after was deleted.',
      );
    }
    return this.changes.put(key, () => this.calls.call(like, noProducer, options), value, put);
  }

  end(put: PendingPut): void {
    this.changes.engine.puts.end(put);
  }
}
