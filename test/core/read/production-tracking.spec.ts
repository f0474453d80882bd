import { describe, expect, it } from 'vitest';
import { ProductionTracking } from '../../../lib/core/read/production-tracking.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { wiredCache } from '../../support/wired-cache.js';

const tracked = (tracking: ProductionTracking, count: number): number =>
  Array.from({ length: count }, () => tracking.shouldTrack()).filter(Boolean).length;

describe('the tracking of productions', () => {
  it('tracks the first thousand productions, and one in 1,024 afterwards', () => {
    const tracking = new ProductionTracking();
    expect(tracked(tracking, 1_000)).toBe(1_000);
    expect(tracked(tracking, 10_240)).toBe(10);
  });

  it('tracks every production from the first nested call on', () => {
    const tracking = new ProductionTracking();
    tracked(tracking, 5_000);
    tracking.onNestedCall();
    expect(tracked(tracking, 5_000)).toBe(5_000);
  });

  it('rejects a producer that waits for itself at once, however many came before, in a cache that producers call', async () => {
    const { cache } = wiredCache({ clock: new FakeClock(), holder: 'p' });
    await cache.getOrSet('outer', () => cache.getOrSet('inner', () => 1));
    for (let i = 0; i < 3_000; i++) await cache.getOrSet(`k${String(i)}`, () => i);
    const own = (): Promise<number> => cache.getOrSet('self', async () => own());
    await expect(own()).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
  });

  it('lets the hard timeout end the first one otherwise, and rejects the next one at once', async () => {
    const clock = new FakeClock();
    const { cache } = wiredCache({ clock, holder: 'p' });
    for (let i = 0; i < 1_000; i++) await cache.getOrSet(`k${String(i)}`, () => i);
    const own = (): Promise<number> =>
      cache.getOrSet('self', async () => own(), { producerTimeout: { hard: '5s' } });
    const first = own();
    first.catch(() => undefined);
    await clock.advance(5_000);
    await expect(first).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
    await expect(own()).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
  });
});
