import type { Entry } from '../../ports/entry.js';
import type { Millis } from '../../ports/time.js';
import type { Outcome } from '../observe/events.js';

/** The value of a call, and how it was answered. */
export interface GetOrSetResult<T> {
  readonly value: T;
  /** 'bypass': without the cache, in a unit of work or after `close`. */
  readonly outcome: Outcome | 'bypass';
  /** Milliseconds since the epoch; undefined when nothing is stored. */
  readonly createdAt: Millis | undefined;
  /** Milliseconds since the epoch; undefined when nothing is stored. */
  readonly freshUntil: Millis | undefined;
  readonly tags: readonly string[];
}

export function toGetOrSetResult<T>(
  value: T,
  outcome: GetOrSetResult<T>['outcome'],
  entry: Entry | undefined,
): GetOrSetResult<T> {
  return {
    value,
    outcome,
    createdAt: entry?.createdAt,
    freshUntil: entry?.freshUntil,
    tags: entry?.tags ?? [],
  };
}
