import { CacheConfigError } from '../../ports/errors.js';
import { formatValue } from '../../ports/validate.js';
import type { ScopeGroups } from '../../ports/groups.js';
import type { Millis } from '../../ports/time.js';
import { normalizeTags, groupsOf, tagsFromCallback } from '../groups/groups.js';
import { type CacheKey, storageKey } from '../key/key.js';
import type { EntryPolicy } from './options.js';
import type { Producer } from './types.js';

/** One call of `getOrSet` with everything decided. Only the last four fields change. */
export interface Call {
  readonly key: CacheKey;
  readonly storageKey: string;
  /** Tags known beforehand, normalized. */
  readonly tags: readonly string[];
  /** The groups of the key and of `tags`. */
  readonly groups: readonly ScopeGroups[];
  readonly isPlainString: boolean;
  readonly policy: EntryPolicy;
  readonly producer: Producer<unknown>;
  readonly resultTags: ((value: unknown) => readonly string[]) | undefined;
  readonly unless: ((value: unknown) => boolean) | undefined;
  readonly signal: AbortSignal | undefined;
  /** A fresh entry does not answer: the value is loaded anew, once for all who ask for that. */
  readonly reload: boolean;
  /** When the backend must have answered so that the production starts in time; local clock. */
  backendBy: Millis;
  /** True once the call has waited for a load whose result it could not share. */
  hasWaited: boolean;
  /** Called when the call waits for a production that it did not start. */
  onWait: (() => void) | undefined;
  /** Called with the background refresh that the call started. */
  onRefresh: ((settled: Promise<unknown>) => void) | undefined;
}

/** A producer of any type. Only the load calls it, with the context it expects. */
export type AnyProducer = (context: never) => unknown;

/** Marks the options of a call that a stored value does not answer. */
export const RELOAD = Symbol('reload');

/** The options that are resolved for each call; the others are resolved once. */
export interface CallOptions {
  readonly tags?: readonly string[] | ((value: never) => readonly string[]);
  readonly resultTags?: (value: never) => readonly string[];
  readonly unless?: (value: never) => boolean;
  readonly signal?: AbortSignal;
  readonly [RELOAD]?: boolean;
}

/**
 * @param isPlainString the key was given as a plain string: it is in the group of no segment, so
 * that not every such key needs a marker of its own
 * @throws CacheConfigError (`CACHE_CONFIG`) for a producer that is not a function, and bad tags
 */
export function makeCall(
  key: CacheKey,
  isPlainString: boolean,
  producer: AnyProducer,
  options: CallOptions | undefined,
  policy: EntryPolicy,
  backendBy: Millis,
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
    groups: groupsOf(key, isPlainString, tags),
    isPlainString,
    policy,
    producer: producer as Producer<unknown>,
    resultTags: fromValue === undefined ? undefined : (value) => tagsFromCallback(fromValue(value)),
    unless: options?.unless as ((value: unknown) => boolean) | undefined,
    signal: options?.signal,
    reload: options?.[RELOAD] === true,
    backendBy,
    hasWaited: false,
    onWait: undefined,
    onRefresh: undefined,
  };
}

const NONE: readonly string[] = Object.freeze([]);
