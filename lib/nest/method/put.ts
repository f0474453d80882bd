import type { CacheService } from '../../core/cache.js';
import { tagsFromCallback } from '../../core/groups/groups.js';
import type { SetOptions } from '../../core/options/types.js';
import { entryOptions, keyOfCall } from './cacheable.js';
import type { Caches } from '../module/caches.js';
import type { CachePutOptions } from '../decorators/options.js';
import {
  cacheNamed,
  fromArguments,
  guarded,
  type MethodCall,
  textOf,
  whereOf,
} from './method-call.js';

type PutInProgress = Awaited<ReturnType<CacheService['beginPut']>>;

const CALLBACKS = 'unless or tags';

/**
 * `@CachePut` of one call: fenced before the method, kept after it.
 *
 * The method has changed something: a result that is not to be stored, or cannot be, still makes the old value an old one.
 */
export class PutEffect {
  #pending: PutInProgress | undefined;
  /** Why there is no fence. */
  #problem: unknown;

  private constructor(
    readonly call: MethodCall,
    readonly caches: Caches,
    readonly options: CachePutOptions,
    readonly cache: CacheService,
    /** Undefined: removed in any case, since `when` threw. */
    readonly wanted: true | undefined,
  ) {}

  /**
   * Undefined when nothing is to be put.
   * @param running the method is running already: what was invalidated since it began is not known, and its result not stored
   */
  static async begin(
    call: MethodCall,
    caches: Caches,
    running: boolean,
  ): Promise<PutEffect | undefined> {
    const { plan, args } = call;
    const { put } = plan;
    const cache = put === undefined ? undefined : cacheNamed(put.cache, plan, caches);
    if (put === undefined || cache === undefined) return undefined;
    const wanted = guarded(call, caches, 'when', () => put.when?.(...args) !== false, undefined);
    if (wanted === false) return undefined;
    const effect = new PutEffect(call, caches, put, cache, wanted);
    if (wanted && !running) await effect.#fence();
    return effect;
  }

  async keep(result: unknown): Promise<void> {
    const { call, caches, cache } = this;
    const decided = guarded(call, caches, CALLBACKS, () => this.#decide(result), 'remove');
    try {
      const key = keyOfCall(call, caches);
      if (decided === 'remove' || this.#pending === undefined) await cache.delete(key);
      else await cache.storePut(this.#pending, key, result, decided);
      if (this.#problem !== undefined) this.#warn(this.#problem);
    } catch (error) {
      // The method has done its work: that its result cannot be kept must not make the call fail.
      this.#warn(error);
    }
  }

  /** The method is over, in whatever way. */
  end(): void {
    if (this.#pending !== undefined) this.cache.endPut(this.#pending);
    this.#pending = undefined;
  }

  /** A key may be there only after the method, and tags may be wrong: the method runs in any case. */
  async #fence(): Promise<void> {
    const { call, caches, cache, options } = this;
    const tags = guarded(
      call,
      caches,
      CALLBACKS,
      () => tagsFromCallback(fromArguments(options.tags, call.args)),
      undefined,
    );
    if (tags === undefined) return;
    try {
      this.#pending = await cache.beginPut(keyOfCall(call, caches), tags);
    } catch (error) {
      this.#problem = error;
    }
  }

  #decide(result: unknown): SetOptions | 'remove' {
    const { options, wanted } = this;
    const { plan, args } = this.call;
    if (wanted === undefined || options.unless?.(result, ...args) === true) return 'remove';
    const tags = [
      ...tagsFromCallback(fromArguments(options.tags, args)),
      ...tagsFromCallback(options.resultTags?.(result, ...args)),
    ];
    return { tags, ...entryOptions(plan, options) };
  }

  #warn(error: unknown): void {
    const where = whereOf(this.call.plan);
    this.caches.warnOnce(
      `put ${where}`,
      `@CachePut of ${where} could not keep the result: ${textOf(error)}`,
    );
  }
}
