import { describe, expect, it } from 'vitest';
import type { CacheEvent, Outcome } from '../../../lib/core/observe/events.js';
import { Reporter } from '../../../lib/core/observe/reporter.js';
import { CacheKey, storageKey } from '../../../lib/core/key/key.js';

const key = storageKey(CacheKey.builder().segment('accounts').param('iban', 'DE89').build());

function setUp(exposeKeys = false) {
  const reporter = new Reporter(exposeKeys, () => undefined);
  const events: CacheEvent[] = [];
  reporter.events.on((event) => events.push(event));
  return { reporter, events };
}

describe('the reporter', () => {
  it('names an entry by its segment and a hash, because keys may hold personal data', () => {
    const { reporter, events } = setUp();
    reporter.report({ type: 'fill_refused', key });
    reporter.outcome('miss', undefined, key);
    for (const event of events) expect(JSON.stringify(event)).not.toContain('DE89');
    expect(events.map((event) => 'key' in event && event.key.includes('accounts'))).toEqual([
      true,
      true,
    ]);
  });

  it('names an entry by its key with exposeKeys', () => {
    const { reporter, events } = setUp(true);
    reporter.report({ type: 'fill_refused', key });
    expect(events).toEqual([{ type: 'fill_refused', key }]);
  });

  it.each([
    ['corrupt', 'cache_corrupt'],
    ['unstorable', 'cache_unstorable'],
    ['write_failed', 'cache_write_err'],
    ['fill_refused', 'cache_fill_refused'],
  ] as const)('counts %s as %s, whether anybody listens or not', (type, counter) => {
    const reporter = new Reporter(false, () => undefined);
    reporter.report({ type, key, error: new Error() } as CacheEvent);
    expect(reporter.stats[counter]).toBe(1);
  });

  it.each<[Outcome, 'l1' | 'l2' | undefined, object]>([
    ['hit', 'l1', { cache_hits: 1, cache_l1_hits: 1 }],
    ['hit', 'l2', { cache_hits: 1 }],
    ['stale', 'l2', { cache_hits: 1, cache_stale: 1 }],
    ['fallback', 'l2', { cache_misses: 1, cache_fallback: 1 }],
    ['miss', undefined, { cache_misses: 1 }],
    ['joined', undefined, { cache_misses: 1, cache_joined: 1 }],
    ['error', undefined, { cache_misses: 1 }],
  ])('counts the outcome %s from %s as %j, and tells it once', (outcome, tier, counters) => {
    const { reporter, events } = setUp();
    reporter.outcome(outcome, tier, key);
    const counted = Object.entries(reporter.stats.snapshot()).filter(([, count]) => count !== 0);
    expect(Object.fromEntries(counted)).toEqual(counters);
    expect(events).toMatchObject([{ type: 'outcome', outcome, tier }]);
  });
});
