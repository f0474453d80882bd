import type { Entry } from '../../ports/entry.js';
import type { Outcome } from '../observe/events.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import type { Lookup } from './lookup.js';
import { SharedValue, type ValueHandle } from './shared-value.js';

/** The result of one call. */
export interface CallResult {
  readonly outcome: Outcome;
  readonly tier: 'l1' | 'l2' | undefined;
  readonly value: ValueHandle;
  /** The entry behind the value, when there is one. */
  readonly entry: Entry | undefined;
}

/** Not by spreading: this runs on every miss. */
export function toCallResult(
  outcome: Outcome,
  tier: 'l1' | 'l2' | undefined,
  { value, entry }: Pick<CallResult, 'value' | 'entry'>,
): CallResult {
  return { outcome, tier, value, entry };
}

/** What a caller wants of a result. */
export type Finish<T> = (result: CallResult) => T;

const NO_VALUE: ValueHandle = new SharedValue(undefined);

/** Answers calls and counts their outcomes, each exactly once. */
export class Answers {
  constructor(private readonly reporter: Reporter) {}

  found<T>(outcome: Outcome, call: Call, lookup: Lookup | undefined, finish: Finish<T>): T {
    const { tier, value = NO_VALUE, entry } = lookup ?? {};
    return this.settle({ outcome, tier, value, entry }, call, finish);
  }

  settle<T>(result: CallResult, call: Call, finish: Finish<T>): T {
    this.reporter.onStep?.(`answer: ${result.outcome}`);
    this.reporter.outcome(result.outcome, result.tier, call.storageKey);
    return finish(result);
  }

  reject(call: Call, error: unknown): never {
    this.reporter.onStep?.('answer: error');
    this.reporter.outcome('error', undefined, call.storageKey);
    throw error;
  }
}
