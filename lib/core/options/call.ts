import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';
import type { ScopeGroups } from '../../ports/shared-backend.js';
import { normalizeTags, groupsOf, tagsFromCallback } from '../groups/groups.js';
import { type CacheKey, storageKey } from '../key/key.js';
import type { EntryPolicy } from './options.js';
import type { Producer } from './types.js';

/** One call of `getOrSet`, everything decided. */
export interface Call {
  readonly key: CacheKey;
  readonly storageKey: string;
  /** Tags known beforehand, clean. */
  readonly tags: readonly string[];
  /** The groups of the key and of `tags`. */
  readonly groups: readonly ScopeGroups[];
  readonly plain: boolean;
  readonly policy: EntryPolicy;
  readonly producer: Producer<unknown>;
  readonly resultTags: ((value: unknown) => readonly string[]) | undefined;
  readonly unless: ((value: unknown) => boolean) | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * When the backend must have answered for the producer to start on time; local clock. Extended
   * while the call waits for the lease of another process.
   */
  backendBy: number;
  /** Told when the call waits for a production that is not its own. */
  onWait: (() => void) | undefined;
  /** Told of the refresh that the call has started in the background, and how it lands. */
  onRefresh: ((landing: Promise<unknown>) => void) | undefined;
  /** Has it waited for a load that it could not share? Once is enough. */
  outlasted: boolean;
  /** Callers of the same tick who share the answer. */
  riders: number;
}

/** A producer of whatever type; only `produce` calls it, with the context it expects. */
export type AnyProducer = (context: never) => unknown;

/** What `call` needs beyond the key. */
export interface CallOptions {
  readonly tags?: readonly string[] | ((value: never) => readonly string[]);
  readonly resultTags?: (value: never) => readonly string[];
  readonly unless?: (value: never) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * @param plain the key was given as a plain string: it is in no segment's group, so that not every
 * such key needs a marker of its own
 * @throws CacheConfigError (`CACHE_CONFIG`) for a producer that is no function, and for wrong tags
 */
export function makeCall(
  key: CacheKey,
  plain: boolean,
  producer: AnyProducer,
  options: CallOptions | undefined,
  policy: EntryPolicy,
  backendBy: number,
): Call {
  if (typeof producer !== 'function') {
    throw new CacheConfigError(
      'the producer must be a function, as in getOrSet(key, () => value, options); ' +
        `got ${formatValue(producer)}.`,
    );
  }
  const given = options?.tags;
  const tags = given === undefined || typeof given === 'function' ? NONE : normalizeTags(given);
  const fromValue = (typeof given === 'function' ? given : options?.resultTags) as
    ((value: unknown) => unknown) | undefined;
  return {
    key,
    storageKey: storageKey(key),
    tags,
    groups: groupsOf(key, plain, tags),
    plain,
    policy,
    producer: producer as Producer<unknown>,
    resultTags: fromValue === undefined ? undefined : (value) => tagsFromCallback(fromValue(value)),
    unless: options?.unless as ((value: unknown) => boolean) | undefined,
    signal: options?.signal,
    backendBy,
    onWait: undefined,
    onRefresh: undefined,
    outlasted: false,
    riders: 0,
  };
}

const NONE: readonly string[] = Object.freeze([]);
