import { describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../../lib/core/observe/events.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { fleet } from '../../support/fleet.js';

describeCache(CONFIGURATIONS, ({ open }) => {
  it('tells of an invalidation: how much it named, and that it is durable', async () => {
    const { cache } = open();
    const events: CacheEvent[] = [];
    cache.events.on((event) => events.push(event));
    await cache.invalidate({ keys: ['a', 'b'], tags: ['t', 'u'] });
    expect(events).toEqual([{ type: 'invalidated', durable: true, keys: 2, groups: 2 }]);
    expect(cache.stats()).toMatchObject({
      cache_invalidations: 1,
      cache_invalidations_deferred: 0,
    });
  });

  it('invalidates entries in all of the tags only, with match all', async () => {
    const { cache } = open();
    await cache.set('both', 1, { tags: ['a', 'b'] });
    await cache.set('one', 2, { tags: ['a'] });
    await cache.invalidate({ tags: ['a', 'b'], match: 'all' });
    expect(await cache.getMany(['both', 'one'])).toEqual([undefined, 2]);
  });

  it('clears one tenant, or everything', async () => {
    const { cache } = open();
    const keyOf = (tenant: string) => cache.key().tenant(tenant).segment('s').build();
    await cache.set(keyOf('x'), 1);
    await cache.set(keyOf('y'), 2);
    await cache.clear({ tenant: 'x' });
    expect(await cache.getMany([keyOf('x'), keyOf('y')])).toEqual([undefined, 2]);
    await cache.clear();
    await cache.drain();
    expect(await cache.getMany([keyOf('x'), keyOf('y')])).toEqual([undefined, undefined]);
  });
});

describe('an invalidation that does not reach the backend', () => {
  it('waits in the journal, is retried in growing pauses, and is reported when it is delivered', async () => {
    const { clock, first } = fleet(3);
    const events: CacheEvent[] = [];
    await first.cache.set('k', 'old');
    first.cache.events.onProblem((event) => events.push(event));
    first.link.change('down');
    expect(await first.cache.delete('k')).toEqual({ durable: false });
    await clock.advance(10_000);
    expect([first.cache.stats().journal, first.engine.invalidator.isDrained]).toEqual([1, false]);
    const attempts = events.filter(
      (event) => event.type === 'backend_problem' && event.operation === 'replay',
    );
    // After 100, 300, 700, 1,500, 3,100 ms, and then every two seconds.
    expect(attempts.length).toBe(8);
    first.link.change('up');
    await first.cache.drain();
    expect(events.at(-1)).toMatchObject({
      type: 'journal_replayed',
      count: expect.any(Number) as number,
    });
    expect(first.engine.invalidator.isDrained).toBe(true);
  });

  it('is reported when the cache is closed before it is delivered', async () => {
    const { first } = fleet(3);
    first.link.change('down');
    await first.cache.delete('k');
    await first.cache.close();
    expect(first.problems.map(String)).toEqual([
      expect.stringContaining(
        '1 invalidations could not be delivered before the cache was closed.',
      ),
    ]);
  });
});

describe('an invalidation that the backend has acknowledged', () => {
  it('is repeated after a reconnection within ten seconds, because a failover may have lost it', async () => {
    const { clock, server, first } = fleet(3);
    await first.cache.delete('k');
    await clock.advance(5_000);
    const before = server.stream.length;
    first.link.change('down');
    first.link.change('up');
    expect(first.engine.invalidator.isDrained).toBe(false);
    await first.cache.drain();
    expect(server.stream.slice(before).map(({ notice }) => notice)).toEqual([
      { kind: 'keys', keys: ['segment:k'] },
    ]);
    await clock.advance(11_000);
    const after = server.stream.length;
    first.link.change('down');
    first.link.change('up');
    expect(first.engine.invalidator.isDrained).toBe(true);
    await first.cache.drain();
    expect(server.stream.length).toBe(after);
  });
});
