import type { Entry } from '../../ports/entry.js';
import type { Answer } from './get-or-set.js';

/** What came of a call, with its value. */
export interface GetOrSetResult<T> {
  readonly value: T;
  readonly outcome: Answer['outcome'] | 'bypass';
  /** Milliseconds since the epoch; undefined when nothing is stored. */
  readonly createdAt: number | undefined;
  readonly freshUntil: number | undefined;
  readonly tags: readonly string[];
}

export function detailed<T>(
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
