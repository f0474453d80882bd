import type { CacheService } from '../../core/cache.js';
import { tagsFromCallback } from '../../core/groups/groups.js';
import type { SetOptions } from '../../core/options/types.js';
import type { CachePutOptions } from '../decorators/options.js';
import { entryOptionsOf } from './cacheable.js';
import { type MethodContext, messageOf, resolveOption } from './method-context.js';

type PutInProgress = Awaited<ReturnType<CacheService['puts']['begin']>>;

const CALLBACKS = 'unless or tags';

/**
 * One call of a method with `@CachePut`: fenced before the method runs, stored after it.
 *
 * The method has changed something: a result that is not stored, for whatever reason, still makes
 * the old value outdated, so the key is deleted then.
 */
export class CachePutCall {
  #pending: PutInProgress | undefined;
  /** Why there is no fence. */
  #problem: unknown;

  private constructor(
    readonly method: MethodContext,
    readonly instance: unknown,
    readonly args: unknown[],
    readonly options: CachePutOptions,
    readonly cache: CacheService,
    /** False: `when` threw, so that the key is deleted. */
    readonly isWanted: boolean,
  ) {}

  /** Undefined when nothing is to be put. */
  static async begin(
    method: MethodContext,
    instance: unknown,
    args: unknown[],
    options: CachePutOptions,
  ): Promise<CachePutCall | undefined> {
    const cache = method.findCache(options.cache);
    if (cache === undefined) return undefined;
    const wanted = method.runCallback('when', () => options.when?.(...args) !== false, undefined);
    if (wanted === false) return undefined;
    const call = new CachePutCall(method, instance, args, options, cache, wanted === true);
    if (wanted === true) await call.#fence();
    return call;
  }

  async store(result: unknown): Promise<void> {
    const { method, instance, args, cache } = this;
    const decision = method.runCallback(CALLBACKS, () => this.#decide(result), 'delete');
    try {
      const key = method.key(args, instance);
      if (decision === 'delete' || this.#pending === undefined) await cache.delete(key);
      else await cache.puts.store(this.#pending, key, result, decision);
      if (this.#problem !== undefined) this.#warn(this.#problem);
    } catch (error) {
      // The method has done its work: that its result cannot be stored must not fail the call.
      this.#warn(error);
    }
  }

  /** The method has ended, in whatever way. */
  end(): void {
    if (this.#pending !== undefined) this.cache.puts.end(this.#pending);
    this.#pending = undefined;
  }

  /** A key may exist only after the method, and tags may be wrong: the method runs in any case. */
  async #fence(): Promise<void> {
    const { method, instance, args, cache, options } = this;
    const tags = method.runCallback(
      CALLBACKS,
      () => tagsFromCallback(resolveOption(options.tags, args)),
      undefined,
    );
    if (tags === undefined) return;
    try {
      this.#pending = await cache.puts.begin(method.key(args, instance), tags);
    } catch (error) {
      this.#problem = error;
    }
  }

  #decide(result: unknown): SetOptions | 'delete' {
    const { method, args, options, isWanted } = this;
    if (!isWanted || options.unless?.(result, ...args) === true) return 'delete';
    const tags = [
      ...tagsFromCallback(resolveOption(options.tags, args)),
      ...tagsFromCallback(options.resultTags?.(result, ...args)),
    ];
    return { tags, ...entryOptionsOf(method.metadata, options) };
  }

  #warn(error: unknown): void {
    const { registry, where } = this.method;
    registry.warnOnce(
      `put ${where}`,
      `@CachePut of ${where} could not keep the result: ${messageOf(error)}`,
    );
  }
}
