import { describe, expect, it } from 'vitest';
import { CacheKey, on } from '../../../lib/index.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

class Posted {
  constructor(
    readonly tenant: string,
    readonly account: number,
  ) {}
}
class Corrected extends Posted {}
class Unrelated {}

describeCache(CONFIGURATIONS, ({ open }) => {
  it('invalidates what the rules make of an event, for subclasses too, and counts the requests', async () => {
    const { cache } = open({
      invalidations: [
        on(Posted, (event) => ({
          tenant: event.tenant,
          tags: [`account:${String(event.account)}`],
        })),
        on(Corrected, (event) => [
          { keys: [`report:${event.tenant}`] },
          { segment: 'balances', tenant: event.tenant },
        ]),
        on(Posted, () => undefined),
      ],
    });
    const key = CacheKey.builder().tenant('acme').segment('entries').build();
    await cache.getOrSet(key, () => 'entries', { tags: ['account:7'] });
    await cache.drain();
    expect(await cache.apply(new Posted('acme', 8))).toEqual({ durable: true, requests: 1 });
    expect(await cache.get(key)).toBe('entries');
    expect(await cache.apply(new Corrected('acme', 7))).toEqual({ durable: true, requests: 3 });
    expect(await cache.get(key)).toBeUndefined();
    expect(await cache.apply(new Unrelated())).toEqual({ durable: true, requests: 0 });
  });
});

describe('a rule', () => {
  it('is refused when its event is no class, or what it makes of it no function', () => {
    expect(() => on({} as never, () => undefined)).toThrow(/must be the class of the event/);
    expect(() => on(Posted, 'account' as never)).toThrow(
      /on\(Posted, \.\.\.\): the second must be a function/,
    );
  });
});
