import { type CacheKey, keyFromArguments } from '../../core/key/key.js';

const MOST = 2_000;
const LONGEST = 200;

/**
 * The keys that one method of one class gets from its arguments. Those of one text for an argument, which most look-ups have, are remembered:
 * a key that was made before is found several times faster than made.
 */
export class DerivedKeys {
  readonly #recent = new Map<string, CacheKey>();

  constructor(readonly segment: string) {}

  /** @throws CacheKeyError (`CACHE_KEY`) naming the argument that has no canonical text */
  of(args: readonly unknown[]): CacheKey {
    const [only] = args;
    if (args.length !== 1 || typeof only !== 'string' || only.length > LONGEST)
      return keyFromArguments(this.segment, args);
    const known = this.#recent.get(only);
    if (known !== undefined) return known;
    const key = keyFromArguments(this.segment, args);
    if (this.#recent.size >= MOST) this.#recent.clear();
    this.#recent.set(only, key);
    return key;
  }
}
