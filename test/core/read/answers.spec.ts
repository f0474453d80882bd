import { describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../../lib/core/observe/events.js';
import { Reporter } from '../../../lib/core/observe/reporter.js';
import { Answers, toCallResult } from '../../../lib/core/read/answers.js';
import { emptyLookup } from '../../../lib/core/read/lookup.js';
import { SharedValue } from '../../../lib/core/read/shared-value.js';
import { callOf, entryOf } from './support.js';

function setUp() {
  const reporter = new Reporter(true, () => undefined);
  const events: CacheEvent[] = [];
  const steps: string[] = [];
  reporter.events.on((event) => events.push(event));
  reporter.onStep = (step) => steps.push(step);
  return { answers: new Answers(reporter), stats: reporter.stats, events, steps };
}

const call = callOf('k');
const entry = entryOf();
const value = new SharedValue('v');

describe('an answer', () => {
  it('from a lookup has its value, entry and tier, and is counted and told once', () => {
    const { answers, stats, events, steps } = setUp();
    const lookup = { ...emptyLookup(call, 'l1', 0, entry), value };
    const result = answers.found('stale', call, lookup, (given) => given);
    expect(result).toEqual({ outcome: 'stale', tier: 'l1', value, entry });
    expect(stats).toMatchObject({ cache_hits: 1, cache_stale: 1, cache_l1_hits: 1 });
    expect(events).toEqual([{ type: 'outcome', outcome: 'stale', tier: 'l1', key: 'k' }]);
    expect(steps).toEqual(['answer: stale']);
  });

  it('without a lookup, or from one that found nothing usable, has the value undefined', () => {
    const { answers } = setUp();
    for (const lookup of [undefined, emptyLookup(call, 'l2', 0)]) {
      expect(answers.found('miss', call, lookup, (given) => given.value.value())).toBeUndefined();
    }
  });

  it('is what the caller makes of the result, and is counted before the caller sees it', () => {
    const { answers, stats } = setUp();
    const produced = toCallResult('joined', undefined, { value, entry: undefined });
    const finish = () => `${String(produced.value.value())} ${String(stats.cache_joined)}`;
    expect(answers.settle(produced, call, finish)).toBe('v 1');
    expect(stats.cache_misses).toBe(1);
  });

  it('that is an error is thrown as it is, and is counted as a miss of no tier', () => {
    const { answers, stats, events, steps } = setUp();
    const error = new Error('the producer failed');
    let thrown: unknown;
    try {
      answers.reject(call, error);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBe(error);
    expect(stats).toMatchObject({ cache_hits: 0, cache_misses: 1 });
    expect(events).toEqual([{ type: 'outcome', outcome: 'error', tier: undefined, key: 'k' }]);
    expect(steps).toEqual(['answer: error']);
  });
});
