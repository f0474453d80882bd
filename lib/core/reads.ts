import type { MemoryEntry } from '../ports/memory-tier.js';
import type { Engine } from './compose.js';
import type { UnitOfWorkRegistry } from './invalidate/unit-of-work.js';
import { type CacheKey, storageKey } from './key/key.js';
import { type Call, type CallOptions, RELOAD } from './options/call.js';
import type { EntryPolicy } from './options/options.js';
import { type CallResolver, noProducer } from './options/resolve-call.js';
import type { EntryOptions, GetOrSetOptions, KeyLike, Producer } from './options/types.js';
import type { CallResult } from './read/answers.js';
import { type GetOrSetResult, toGetOrSetResult } from './read/get-or-set-result.js';
import { decode, SharedValue, type ValueHandle } from './read/shared-value.js';

/** The ways a read takes: from memory, through the read path, in a unit of work, or past it all. */
export class Reads {
  #isClosed = false;

  constructor(
    private readonly engine: Engine,
    private readonly calls: CallResolver,
    private readonly units: UnitOfWorkRegistry,
  ) {}

  /** @param base the policy whose codec is used, when the method names one */
  getOrSet<T>(
    like: KeyLike,
    producer: Producer<T>,
    options: GetOrSetOptions<T> | undefined,
    base: EntryPolicy | undefined,
  ): Promise<T> {
    try {
      const { calls } = this;
      const policy = base === undefined ? calls.policy(options) : calls.withCodec(base, options);
      const key = calls.key(like);
      if (this.units.current === undefined) {
        const found = this.#memoryHit(key, policy);
        if (found !== undefined) {
          calls.remember(like, key);
          return Promise.resolve(this.#decoded(found) as T);
        }
      }
      const call = calls.make(key, like, producer, options, policy);
      return this.#read(call) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async getOrSetDetailed<T>(
    like: KeyLike,
    producer: Producer<T>,
    options: (GetOrSetOptions<T> & Pick<CallOptions, typeof RELOAD>) | undefined,
  ): Promise<GetOrSetResult<T>> {
    const found = options?.[RELOAD] === true ? undefined : this.peekMemory<T>(like, options);
    if (found !== undefined) return found;
    const call = this.calls.call(like, producer, options);
    const isInUnit = this.units.current !== undefined;
    const clean = isInUnit && !this.#isClosed ? await this.units.find(call) : undefined;
    if (clean !== undefined) return toGetOrSetResult(clean.value.value() as T, 'hit', clean.entry);
    if (isInUnit || this.#isClosed) {
      const value = (await this.engine.produceUncached(call)) as T;
      return toGetOrSetResult(value, 'bypass', undefined);
    }
    return this.engine.readThrough.getOrSet(call, ({ value, outcome, entry }) =>
      toGetOrSetResult(value.value() as T, outcome, entry),
    );
  }

  /** A fresh value that is in memory, without a promise; undefined when anything else is needed. */
  peekMemory<T>(like: KeyLike, options?: GetOrSetOptions<T>): GetOrSetResult<T> | undefined {
    if (this.units.current !== undefined) return undefined;
    const found = this.#memoryHit(this.calls.key(like), this.calls.policy(options));
    if (found === undefined) return undefined;
    return toGetOrSetResult(this.#decoded(found) as T, 'hit', found.entry);
  }

  /** Never produces, never waits for a production. */
  async get(like: KeyLike, options: Pick<EntryOptions, 'codec'> | undefined): Promise<unknown> {
    const call = this.calls.call(like, noProducer, options);
    if (this.#isClosed) return undefined;
    if (this.units.current !== undefined) return (await this.units.find(call))?.value.value();
    const { readThrough, reporter } = this.engine;
    const { freshness, tier, value } = await readThrough.lookup(call);
    const isHit = freshness === 'fresh';
    reporter.outcome(isHit ? 'hit' : 'miss', isHit ? tier : undefined, call.storageKey);
    return isHit ? value?.value() : undefined;
  }

  /** One call of a batch. What is not stored is produced in one call of the batch as well. */
  async handleOf(call: Call): Promise<ValueHandle> {
    if (!this.#isClosed) {
      if (this.units.current === undefined) {
        return this.engine.readThrough.getOrSet(call, handleOfResult);
      }
      const found = await this.units.find(call);
      if (found !== undefined) return found.value;
    }
    return new SharedValue(await this.engine.produceUncached(call));
  }

  /** From now on calls run their producers without caching, and `get` finds nothing. */
  close(): void {
    this.#isClosed = true;
  }

  #read(call: Call): Promise<unknown> {
    if (this.#isClosed) return this.engine.produceUncached(call);
    if (this.units.current !== undefined) return this.units.getOrProduce(call);
    const answer = this.engine.readThrough.getOrSet(call, valueOfResult);
    return answer instanceof Promise ? answer : Promise.resolve(answer);
  }

  /** The path of nearly every hit. */
  #memoryHit(key: CacheKey, policy: EntryPolicy): MemoryEntry | undefined {
    if (this.#isClosed || policy.refreshAhead !== false) return undefined;
    const { tiers, reader, reporter } = this.engine;
    const name = storageKey(key);
    const found = tiers.freshEntry(name);
    // Only a name that was shortened can belong to another key.
    if (found === undefined || (name !== key.text && found.entry.key !== key.text))
      return undefined;
    if (!reader.codecMatches(found.entry, policy.codec)) return undefined;
    reporter.onStep?.('hit in memory');
    reporter.outcome('hit', 'l1', name);
    return found;
  }

  #decoded({ entry, frozen }: MemoryEntry): unknown {
    if (frozen !== undefined) return frozen.value;
    return decode(this.engine.reader.codecOf(entry), entry.body);
  }
}

function valueOfResult({ value }: CallResult): unknown {
  return value.value();
}

function handleOfResult({ value }: CallResult): ValueHandle {
  return value;
}
