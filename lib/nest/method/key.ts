import { CacheKey, CacheKeyBuilder } from '../../core/key/key.js';
import { encodePart } from '../../core/key/percent-encoding.js';
import type { KeyLike } from '../../core/options/types.js';
import { CacheKeyError } from '../../ports/errors.js';
import type { KeyMaker } from '../decorators/options.js';

/**
 * @param segment for keys that have none of their own; undefined where it cannot be known
 * @throws CacheKeyError (`CACHE_KEY`) naming the argument or part that has no canonical text
 */
export function methodKey(
  maker: KeyMaker | string,
  segment: (() => string) | undefined,
  args: unknown[],
): KeyLike {
  if (typeof maker === 'string') return maker;
  const made: unknown = maker(CacheKey.builder(), ...args);
  if (made instanceof CacheKeyBuilder)
    return segment === undefined ? made.build() : complete(made, segment);
  if (made instanceof CacheKey) return segment === undefined ? made : inSegment(made, segment);
  if (typeof made === 'string') return made;
  throw new CacheKeyError(
    `@CacheKey must return the builder it was given, a CacheKey or a string; got ${made === null ? 'null' : typeof made}. It cannot be asynchronous.`,
  );
}

function complete(builder: CacheKeyBuilder, segment: () => string): CacheKey {
  let built: CacheKey;
  try {
    built = builder.build();
  } catch {
    // Nothing but a tenant, at most.
    return builder.segment(segment()).build();
  }
  return inSegment(built, segment);
}

/** Two methods with the same parameters must not share entries because both forgot the segment. */
function inSegment(key: CacheKey, segment: () => string): CacheKey {
  if (key.segment !== undefined) return key;
  const params =
    key.tenant === undefined ? key.text : key.text.slice(`tenant:${key.tenant}/`.length);
  return CacheKey.fromEncoded(key.tenant, encodePart(segment(), 'segment'), params);
}
